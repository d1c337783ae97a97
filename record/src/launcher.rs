//! `memreel-launch`: starts one engine, and sees to it that nothing of it is left.
//!
//! `memreel-launch --control FD --report FD [--hold] [--foreground [--wait-for-all]] [--cgroup FILE]…
//! [--env NAME[=VALUE]]… [--confine [--writable PATH]…] -- COMMAND [ARGUMENT…]`
//!
//! It stands between the harness and the engine because it is tiny. The peak that the kernel
//! reports for a process (`ru_maxrss`) is never less than what its parent had when it forked, so an
//! engine started by a large program looks large; and a guard that must outlive the harness cannot
//! be part of it.
//!
//! - It leads a session of its own (Ctrl-C in a terminal does not reach the engine), and adopts
//!   orphaned descendants (`PR_SET_CHILD_SUBREAPER`), so that the whole tree can be ended.
//! - It is two processes: the guard, and an outer guard above it that kills the tree if the guard is
//!   killed. If the outer guard is killed, the guard reports that and ends the tree.
//! - With `--foreground` it guards nothing, it only tells: it stays in the session and process group that
//!   it was started in, so that the terminal's keys reach the command; it survives the signals that they
//!   send, and the command meets them as it would without us. Whatever becomes of the harness, the
//!   command goes on. What outlives the command is counted and let alone; with `--wait-for-all` its end
//!   is waited for.
//! - `--env` sets a variable for the engine, or without a value takes it away. The launcher itself runs in the
//!   environment of the harness: a library that is preloaded into the engine is not preloaded here.
//! - With `--cgroup` the engine joins the control group of that file before it executes.
//! - With `--hold` the engine's process waits before it executes, until the harness writes `g` on the
//!   control pipe: the first sample is then taken before the engine's first instruction.
//! - A `t` on the control pipe asks the tree to end (SIGTERM, after two seconds SIGKILL). The end of
//!   the control pipe means that the harness died, and does the same with half a second (not with
//!   `--foreground`). An `s` and a byte that is a signal's number send that signal to the engine; when it
//!   has ended, to what is left of it.
//! - With `--confine` the engine can write nothing but what is at or below a `--writable` path (Landlock). A
//!   kernel that cannot see to that is reported, and the engine runs all the same.
//! - On the report pipe it writes lines: `pid N GUARD` (the engine's number and the guard's), `unconfined`, `exec` or
//!   `exec-failed ERRNO`, `interfered` when somebody else than the harness has it end (SIGTERM, or the outer guard was
//!   killed), then `exit CODE` or `signal NUMBER` followed by `MAXRSS_KIB USER_US SYSTEM_US` as
//!   `wait4` gives them for the engine and the monotonic clock in nanoseconds,
//!   and `left N` when processes outlived it (they are ended, or with `--foreground` left alone). The pipe
//!   ends when all is over.
//!
//! Its exit code is 0 when it could do its work, whatever the engine did, else 5.

mod outer;

use std::ffi::CString;
use std::os::unix::ffi::OsStringExt;
use std::time::{Duration, Instant};

/// How long a process has between being asked to end and being killed.
const GRACE: Duration = Duration::from_secs(2);

/// The same when the harness is gone: nobody is left who would look at what it still writes.
const GRACE_OF_ORPHANS: Duration = Duration::from_millis(500);

/// How long killed processes may take to be gone: one that the kernel does not let go, or that is another user's, is
/// left.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a terminal's keys, its end and `kill` send: in the foreground these are for the command alone.
const FOR_THE_COMMAND: [i32; 4] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM];

/// What the program `memreel-launch` does, with its own arguments. A program that embeds this package ships one
/// that calls this.
pub fn main() {
    let request = match Request::parse(std::env::args_os().skip(1)) {
        Ok(request) => request,
        Err(message) => fail(&message),
    };
    if let Err(error) = guard(&request) {
        fail(&error);
    }
}

fn fail(message: &str) -> ! {
    eprintln!("memreel-launch: {message}");
    std::process::exit(5)
}

#[derive(Default)]
struct Request {
    control: i32,
    report: i32,
    hold: bool,
    foreground: bool,
    wait_for_all: bool,
    cgroups: Vec<std::path::PathBuf>,
    environment: Vec<Variable>,
    confine: bool,
    writable: Vec<std::path::PathBuf>,
    command: Vec<CString>,
}

impl Request {
    fn parse(mut arguments: impl Iterator<Item = std::ffi::OsString>) -> Result<Request, String> {
        let mut request = Request { control: -1, report: -1, ..Request::default() };
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--control") => request.control = descriptor(arguments.next())?,
                Some("--report") => request.report = descriptor(arguments.next())?,
                Some("--hold") => request.hold = true,
                Some("--foreground") => request.foreground = true,
                Some("--wait-for-all") => request.wait_for_all = true,
                Some("--cgroup") => {
                    request.cgroups.push(arguments.next().ok_or("--cgroup needs a file")?.into())
                }
                Some("--env") => request
                    .environment
                    .push(Variable::parse(arguments.next().ok_or("--env needs a variable")?)?),
                Some("--confine") => request.confine = true,
                Some("--writable") => {
                    request.writable.push(arguments.next().ok_or("--writable needs a path")?.into())
                }
                Some("--") => break,
                _ => {
                    return Err(format!("unknown argument {argument:?}; this program is started by memreel"));
                }
            }
        }
        for argument in arguments {
            request.command.push(text(argument.into_vec())?);
        }
        if request.control < 0 || request.report < 0 || request.command.is_empty() {
            return Err("needs --control, --report and a command; this program is started by memreel".into());
        }
        Ok(request)
    }
}

/// A change to the engine's environment; without a value the variable is taken away.
struct Variable {
    name: CString,
    value: Option<CString>,
}

impl Variable {
    fn parse(argument: std::ffi::OsString) -> Result<Variable, String> {
        let mut name = argument.into_vec();
        let value = name.iter().position(|&byte| byte == b'=').map(|end| name.split_off(end).split_off(1));
        Ok(Variable { name: text(name)?, value: value.map(text).transpose()? })
    }

    /// Makes the change in this process.
    ///
    /// # Safety
    /// Only where this process has one thread.
    unsafe fn apply(&self) {
        // SAFETY: both are null-terminated and outlive the calls, which copy them; nobody else reads the environment.
        unsafe {
            match &self.value {
                Some(value) => libc::setenv(self.name.as_ptr(), value.as_ptr(), 1),
                None => libc::unsetenv(self.name.as_ptr()),
            };
        }
    }
}

fn text(bytes: Vec<u8>) -> Result<CString, String> {
    CString::new(bytes).map_err(|_| "an argument contains a zero byte".into())
}

fn descriptor(argument: Option<std::ffi::OsString>) -> Result<i32, String> {
    let number = argument.as_ref().and_then(|text| text.to_str()).and_then(|text| text.parse().ok());
    number.filter(|&number: &i32| number >= 0).ok_or_else(|| "a descriptor is a number".into())
}

/// What the kernel told of the engine's end.
struct Exit {
    status: i32,
    usage: libc::rusage,
}

fn guard(request: &Request) -> Result<(), String> {
    if !request.foreground {
        outer::stay_behind(request)?;
    }
    become_guardian(request)?;
    let signals = signals(request)?;
    let met = request.foreground.then(survive_the_commands_signals);
    let (engine, exec_result) = start(request, met.as_ref())?;
    // The engine alone: what ends a whole control group is not to end its guardian.
    for file in &request.cgroups {
        std::fs::write(file, engine.to_string())
            .map_err(|error| format!("cannot join {}: {error}", file.display()))?;
    }
    report(request, &format!("pid {engine} {}", std::process::id()));
    let (control, held) = (request.control, request.hold);
    Guarded { request, engine, runs: true, exec_result, signals, control, held, asked_to_end: None }.watch()
}

/// Ignores them, and returns what became of them so far.
fn survive_the_commands_signals() -> [libc::sighandler_t; 4] {
    // SAFETY: takes no pointers; ignoring a signal runs no code of ours.
    FOR_THE_COMMAND.map(|signal| unsafe { libc::signal(signal, libc::SIG_IGN) })
}

/// Processes below this one become its children when their parents end.
fn adopt_orphans() -> Result<(), String> {
    // SAFETY: takes no pointers.
    match unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) } {
        0 => Ok(()),
        _ => Err(format!("cannot adopt orphans: {}", last_error())),
    }
}

fn become_guardian(request: &Request) -> Result<(), String> {
    adopt_orphans()?;
    // SAFETY: these calls take no pointers.
    unsafe {
        for descriptor in [request.control, request.report] {
            if libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) != 0 {
                return Err(format!("descriptor {descriptor} is not open: {}", last_error()));
            }
        }
    }
    Ok(())
}

/// A descriptor that becomes readable when a child ends, or when this process is asked to end.
fn signals(request: &Request) -> Result<i32, String> {
    // SAFETY: the set is initialised by sigemptyset before it is used, and outlives the calls.
    let descriptor = unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGCHLD);
        if !request.foreground {
            libc::sigaddset(&mut set, libc::SIGTERM);
        }
        libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
        libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
    };
    if descriptor < 0 { Err(format!("cannot watch for children: {}", last_error())) } else { Ok(descriptor) }
}

/// Forks the engine's process. Returns its number and a pipe that ends when it executes, or gives
/// the error number when it cannot.
fn start(request: &Request, met: Option<&[libc::sighandler_t; 4]>) -> Result<(i32, i32), String> {
    let mut pipe = [0; 2];
    // SAFETY: `pipe` has room for the two descriptors.
    if unsafe { libc::pipe2(pipe.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(format!("cannot make a pipe: {}", last_error()));
    }
    // SAFETY: this process has one thread, so the child may do anything the parent may.
    match unsafe { libc::fork() } {
        -1 => Err(format!("cannot start a process: {}", last_error())),
        0 => become_engine(request, met, pipe[1]),
        child => {
            // SAFETY: the descriptor is ours and not used again.
            unsafe { libc::close(pipe[1]) };
            Ok((child, pipe[0]))
        }
    }
}

fn become_engine(request: &Request, met: Option<&[libc::sighandler_t; 4]>, failed: i32) -> ! {
    let mut arguments: Vec<_> = request.command.iter().map(|argument| argument.as_ptr()).collect();
    arguments.push(std::ptr::null());
    // SAFETY: this is the child of a process with one thread. `arguments` is a null-terminated array
    // of null-terminated strings that live until exec; `number` outlives the write.
    unsafe {
        if !request.foreground {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
        }
        if request.hold && !released(request.control) {
            libc::_exit(0);
        }
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
        // Rust ignores SIGPIPE; a program we start must not inherit that.
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        for (signal, handler) in FOR_THE_COMMAND.iter().zip(met.into_iter().flatten()) {
            libc::signal(*signal, *handler);
        }
        for variable in &request.environment {
            variable.apply();
        }
        if request.confine && !confine(&request.writable) {
            report(request, "unconfined");
        }
        libc::execvp(arguments[0], arguments.as_ptr());
        let number = *libc::__errno_location();
        libc::write(failed, (&raw const number).cast(), size_of_val(&number));
        libc::_exit(127)
    }
}

/// Keeps this process, and all that it starts, from writing elsewhere; false when the kernel cannot.
fn confine(writable: &[std::path::PathBuf]) -> bool {
    use landlock::{
        ABI, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, path_beneath_rules,
    };
    // Without what later versions add, control of devices, which engines need.
    let access = AccessFs::from_write(ABI::V3);
    let restricted = Ruleset::default()
        .handle_access(access)
        .and_then(|ruleset| ruleset.create())
        .and_then(|ruleset| ruleset.add_rules(path_beneath_rules(writable, access)))
        .and_then(|ruleset| ruleset.restrict_self());
    restricted.is_ok_and(|restricted| restricted.ruleset != RulesetStatus::NotEnforced)
}

/// Waits for the harness's `g`; false when it wants the end instead, or is gone.
fn released(control: i32) -> bool {
    read_byte(control) == Some(b'g')
}

/// What the harness wants.
enum Wish {
    End,
    Signal(i32),
    /// It is gone.
    Nothing,
}

fn wish(control: i32) -> Wish {
    match read_byte(control) {
        Some(b's') => read_byte(control).map_or(Wish::Nothing, |number| Wish::Signal(number.into())),
        Some(_) => Wish::End,
        None => Wish::Nothing,
    }
}

/// Sends a signal to the engine, or when that has ended to what it left.
fn pass_on(signal: i32, engine: Option<i32>) {
    match engine {
        // SAFETY: takes no pointers. The engine is our child and not reaped: its number is its own.
        Some(engine) => unsafe {
            libc::kill(engine, signal);
        },
        None => signal_all(signal),
    }
}

/// One byte, waiting for it; `None` at the end of the pipe.
fn read_byte(descriptor: i32) -> Option<u8> {
    let mut byte = 0_u8;
    loop {
        // SAFETY: `byte` has room for the one byte that is asked for.
        let read = unsafe { libc::read(descriptor, (&raw mut byte).cast(), 1) };
        match read {
            1 => return Some(byte),
            0 => return None,
            _ if last_error().kind() == std::io::ErrorKind::Interrupted => {}
            _ => return None,
        }
    }
}

/// An engine that was started.
struct Guarded<'a> {
    request: &'a Request,
    engine: i32,
    /// Whether its end is still to come.
    runs: bool,
    exec_result: i32,
    signals: i32,
    /// Negative when the harness is gone.
    control: i32,
    /// Until the engine executes, its process alone reads the control pipe.
    held: bool,
    asked_to_end: Option<Instant>,
}

impl Guarded<'_> {
    /// Waits until the engine has ended and nothing of its tree is left that matters.
    fn watch(mut self) -> Result<(), String> {
        while !self.is_over() {
            let waited = self.asked_to_end.map_or(Duration::ZERO, |since| since.elapsed());
            let grace = if self.control < 0 { GRACE_OF_ORPHANS } else { GRACE };
            if waited >= grace {
                signal_all(libc::SIGKILL);
            }
            if waited >= grace + PATIENCE {
                report(self.request, &format!("left {}", descendants().len()));
                return Ok(());
            }
            let control = if self.held { -1 } else { self.control };
            let ready = wait(control, self.signals, self.exec_result, self.asked_to_end.is_some())?;
            if ready.exec_result {
                report_exec(self.request, &mut self.exec_result);
                self.held = false;
            }
            if ready.control {
                self.heed();
            }
            if ready.asked_to_end {
                report(self.request, "interfered");
                self.end_all();
            }
        }
        Ok(())
    }

    /// Takes note of the processes that have ended; says whether that was all of them.
    fn is_over(&mut self) -> bool {
        let reaped = reap(self.engine);
        if let Some(exit) = &reaped.engine {
            report_exec(self.request, &mut self.exec_result);
            report(self.request, &end_line(exit));
            self.runs = false;
        }
        if !reaped.some_left {
            return true;
        }
        if self.runs || self.asked_to_end.is_some() || self.request.wait_for_all {
            return false;
        }
        report(self.request, &format!("left {}", descendants().len()));
        if !self.request.foreground {
            self.end_all();
        }
        self.request.foreground
    }

    /// Does what the harness wants.
    fn heed(&mut self) {
        match wish(self.control) {
            Wish::Signal(signal) => pass_on(signal, self.runs.then_some(self.engine)),
            Wish::End => self.end_all(),
            Wish::Nothing => {
                self.control = -1;
                if !self.request.foreground {
                    self.end_all();
                }
            }
        }
    }

    fn end_all(&mut self) {
        self.asked_to_end.get_or_insert_with(Instant::now);
        signal_all(libc::SIGTERM);
    }
}

/// Tells the harness whether the engine's program could be executed, once.
fn report_exec(request: &Request, exec_result: &mut i32) {
    if *exec_result < 0 {
        return;
    }
    let mut number = 0_i32;
    // SAFETY: `number` has room for what the engine's process writes: one error number.
    let read = unsafe { libc::read(*exec_result, (&raw mut number).cast(), size_of_val(&number)) };
    // SAFETY: the descriptor is ours and not used again.
    unsafe { libc::close(*exec_result) };
    *exec_result = -1;
    match read {
        0 => report(request, "exec"),
        _ => report(request, &format!("exec-failed {number}")),
    }
}

struct Reaped {
    /// The engine's own end, if this was it.
    engine: Option<Exit>,
    /// Whether any child, born here or adopted, is still there.
    some_left: bool,
}

/// Takes note of every child that has ended.
fn reap(engine: i32) -> Reaped {
    let mut reaped = Reaped { engine: None, some_left: false };
    loop {
        let mut status = 0;
        // SAFETY: `status` and `usage` are valid for the call; rusage is plain numbers, zero is fine.
        let (pid, usage) = unsafe {
            let mut usage = std::mem::zeroed();
            (libc::wait4(-1, &mut status, libc::WNOHANG, &mut usage), usage)
        };
        match pid {
            0 => return Reaped { some_left: true, ..reaped },
            -1 if last_error().kind() == std::io::ErrorKind::Interrupted => {}
            -1 => return reaped,
            pid if pid == engine => reaped.engine = Some(Exit { status, usage }),
            _ => {}
        }
    }
}

struct Ready {
    control: bool,
    exec_result: bool,
    /// By a signal: the outer guard is gone, or somebody wants the launcher to end.
    asked_to_end: bool,
}

/// Waits for the control pipe, a signal or the engine's exec; while the tree is being ended,
/// never longer than a moment, because adopted processes may still fork.
fn wait(control: i32, signals: i32, exec_result: i32, ending: bool) -> Result<Ready, String> {
    let watched = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    let mut watched = [watched(control), watched(signals), watched(exec_result)];
    // SAFETY: the array is as long as stated and outlives the call.
    let count = unsafe { libc::poll(watched.as_mut_ptr(), 3, if ending { 50 } else { -1 }) };
    if count < 0 && last_error().kind() != std::io::ErrorKind::Interrupted {
        return Err(format!("cannot wait: {}", last_error()));
    }
    let asked_to_end = watched[1].revents != 0 && take_signal(signals) == Some(libc::SIGTERM);
    Ok(Ready { control: watched[0].revents != 0, exec_result: watched[2].revents != 0, asked_to_end })
}

/// The number of the signal that has come.
fn take_signal(signals: i32) -> Option<i32> {
    // SAFETY: the buffer has the size of what a signalfd gives, which is plain numbers; zero is fine.
    unsafe {
        let mut signal: libc::signalfd_siginfo = std::mem::zeroed();
        let size = size_of_val(&signal);
        let read = libc::read(signals, (&raw mut signal).cast(), size);
        (read == size as isize).then_some(signal.ssi_signo as i32)
    }
}

fn signal_all(signal: i32) {
    for pid in descendants() {
        // SAFETY: takes no pointers. Every number is that of a process in our tree: it is our child,
        // which cannot be reaped by anyone else, or has an ancestor that is.
        unsafe { libc::kill(pid, signal) };
    }
}

/// Every process below this one.
fn descendants() -> Vec<i32> {
    let mut found = Vec::new();
    let mut open = vec![std::process::id() as i32];
    while let Some(pid) = open.pop() {
        let children = children(pid);
        found.extend(&children);
        open.extend(children);
    }
    found
}

fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|text| text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

fn end_line(exit: &Exit) -> String {
    let end = if libc::WIFSIGNALED(exit.status) {
        format!("signal {}", libc::WTERMSIG(exit.status))
    } else {
        format!("exit {}", libc::WEXITSTATUS(exit.status))
    };
    let microseconds = |time: libc::timeval| time.tv_sec * 1_000_000 + time.tv_usec;
    let usage = &exit.usage;
    let (user, system) = (microseconds(usage.ru_utime), microseconds(usage.ru_stime));
    format!("{end} {} {user} {system} {}", usage.ru_maxrss, monotonic_ns())
}

/// The clock by which the harness counts; it may be stopped when the engine ends, and read this later.
fn monotonic_ns() -> i64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is valid for the call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// A harness that is gone does not read; that is no reason to stop guarding.
fn report(request: &Request, line: &str) {
    let line = format!("{line}\n");
    // SAFETY: the buffer is as long as stated.
    unsafe { libc::write(request.report, line.as_ptr().cast(), line.len()) };
}

fn last_error() -> std::io::Error {
    std::io::Error::last_os_error()
}
