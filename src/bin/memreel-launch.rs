//! `memreel-launch`: starts one engine, and sees to it that nothing of it is left.
//!
//! `memreel-launch --control FD --report FD [--hold] [--cgroup FILE]… -- COMMAND [ARGUMENT…]`
//!
//! It stands between the harness and the engine because it is tiny. The peak that the kernel
//! reports for a process (`ru_maxrss`) is never less than what its parent had when it forked, so an
//! engine started by a large program looks large; and a guard that must outlive the harness cannot
//! be part of it.
//!
//! - It leads a session of its own (Ctrl-C in a terminal does not reach the engine), and adopts
//!   orphaned descendants (`PR_SET_CHILD_SUBREAPER`), so that the whole tree can be ended.
//! - With `--hold` the engine's process waits before it executes, until the harness writes `g` on the
//!   control pipe: the first sample is then taken before the engine's first instruction.
//! - A `t` on the control pipe asks the tree to end (SIGTERM, after two seconds SIGKILL). The end of
//!   the control pipe means that the harness died, and does the same.
//! - On the report pipe it writes lines: `pid N`, `exec` or `exec-failed ERRNO`, then `exit CODE` or
//!   `signal NUMBER` followed by `MAXRSS_KIB USER_US SYSTEM_US` as `wait4` gives them for the engine,
//!   and `left N` when processes outlived it (they are ended). The pipe ends when all is over.
//!
//! Its exit code is 0 when it could do its work, whatever the engine did, else 5.

use std::ffi::CString;
use std::os::unix::ffi::OsStringExt;
use std::time::{Duration, Instant};

/// How long a process has between being asked to end and being killed.
const GRACE: Duration = Duration::from_secs(2);

fn main() {
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

struct Request {
    control: i32,
    report: i32,
    hold: bool,
    cgroups: Vec<std::path::PathBuf>,
    command: Vec<CString>,
}

impl Request {
    fn parse(mut arguments: impl Iterator<Item = std::ffi::OsString>) -> Result<Request, String> {
        let mut request =
            Request { control: -1, report: -1, hold: false, cgroups: Vec::new(), command: Vec::new() };
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--control") => request.control = descriptor(arguments.next())?,
                Some("--report") => request.report = descriptor(arguments.next())?,
                Some("--hold") => request.hold = true,
                Some("--cgroup") => {
                    request.cgroups.push(arguments.next().ok_or("--cgroup needs a file")?.into())
                }
                Some("--") => break,
                _ => {
                    return Err(format!("unknown argument {argument:?}; this program is started by memreel"));
                }
            }
        }
        for argument in arguments {
            request
                .command
                .push(CString::new(argument.into_vec()).map_err(|_| "an argument holds a zero byte")?);
        }
        if request.control < 0 || request.report < 0 || request.command.is_empty() {
            return Err("needs --control, --report and a command; this program is started by memreel".into());
        }
        Ok(request)
    }
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
    become_guardian(request)?;
    let children = child_signals()?;
    let (engine, exec_result) = start(request)?;
    report(request, &format!("pid {engine}"));
    watch(request, engine, exec_result, children)
}

fn become_guardian(request: &Request) -> Result<(), String> {
    for file in &request.cgroups {
        std::fs::write(file, std::process::id().to_string())
            .map_err(|error| format!("cannot join {}: {error}", file.display()))?;
    }
    // SAFETY: these calls take no pointers. A failing setsid (already a leader) changes nothing we rely on.
    unsafe {
        libc::setsid();
        if libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0 {
            return Err(format!("cannot adopt orphans: {}", last_error()));
        }
        for descriptor in [request.control, request.report] {
            if libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) != 0 {
                return Err(format!("descriptor {descriptor} is not open: {}", last_error()));
            }
        }
    }
    Ok(())
}

/// A descriptor that becomes readable when a child ends.
fn child_signals() -> Result<i32, String> {
    // SAFETY: the set is initialised by sigemptyset before it is used, and outlives the calls.
    let descriptor = unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGCHLD);
        libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
        libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
    };
    if descriptor < 0 { Err(format!("cannot watch for children: {}", last_error())) } else { Ok(descriptor) }
}

/// Forks the engine's process. Returns its number and a pipe that ends when it executes, or gives
/// the error number when it cannot.
fn start(request: &Request) -> Result<(i32, i32), String> {
    let mut pipe = [0; 2];
    // SAFETY: `pipe` has room for the two descriptors.
    if unsafe { libc::pipe2(pipe.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(format!("cannot make a pipe: {}", last_error()));
    }
    // SAFETY: this process has one thread, so the child may do anything the parent may.
    match unsafe { libc::fork() } {
        -1 => Err(format!("cannot start a process: {}", last_error())),
        0 => become_engine(request, pipe[1]),
        child => {
            // SAFETY: the descriptor is ours and not used again.
            unsafe { libc::close(pipe[1]) };
            Ok((child, pipe[0]))
        }
    }
}

fn become_engine(request: &Request, failed: i32) -> ! {
    let mut arguments: Vec<_> = request.command.iter().map(|argument| argument.as_ptr()).collect();
    arguments.push(std::ptr::null());
    // SAFETY: this is the child of a process with one thread. `arguments` is a null-terminated array
    // of null-terminated strings that live until exec; `number` outlives the write.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
        if request.hold && !released(request.control) {
            libc::_exit(0);
        }
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
        // Rust ignores SIGPIPE; a program we start must not inherit that.
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        libc::execvp(arguments[0], arguments.as_ptr());
        let number = *libc::__errno_location();
        libc::write(failed, (&raw const number).cast(), size_of_val(&number));
        libc::_exit(127)
    }
}

/// Waits for the harness's `g`; false when it wants the end instead, or is gone.
fn released(control: i32) -> bool {
    read_byte(control) == Some(b'g')
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

/// Waits until the engine has ended and nothing of its tree is left.
fn watch(request: &Request, engine: i32, mut exec_result: i32, children: i32) -> Result<(), String> {
    let mut control = request.control;
    let mut asked_to_end: Option<Instant> = None;
    // Until the engine executes, its process alone reads the control pipe.
    let mut held = request.hold;
    loop {
        let reaped = reap(engine);
        if let Some(exit) = &reaped.engine {
            report_exec(request, &mut exec_result);
            report(request, &end_line(exit));
        }
        if !reaped.some_left {
            return Ok(());
        }
        if reaped.engine.is_some() && asked_to_end.is_none() {
            report(request, &format!("left {}", descendants().len()));
            asked_to_end = Some(Instant::now());
            signal_all(libc::SIGTERM);
        }
        if asked_to_end.is_some_and(|since| since.elapsed() >= GRACE) {
            signal_all(libc::SIGKILL);
        }
        let watched_control = if held { -1 } else { control };
        let ready = wait(watched_control, children, exec_result, asked_to_end.is_some())?;
        if ready.exec_result {
            report_exec(request, &mut exec_result);
            held = false;
        }
        if ready.control {
            if read_byte(control).is_none() {
                control = -1;
            }
            asked_to_end.get_or_insert_with(Instant::now);
            signal_all(libc::SIGTERM);
        }
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
}

/// Waits for the control pipe, a child's end or the engine's exec; while the tree is being ended,
/// never longer than a moment, because adopted processes may still fork.
fn wait(control: i32, children: i32, exec_result: i32, ending: bool) -> Result<Ready, String> {
    let watched = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    let mut watched = [watched(control), watched(children), watched(exec_result)];
    // SAFETY: the array is as long as stated and outlives the call.
    let count = unsafe { libc::poll(watched.as_mut_ptr(), 3, if ending { 50 } else { -1 }) };
    if count < 0 && last_error().kind() != std::io::ErrorKind::Interrupted {
        return Err(format!("cannot wait: {}", last_error()));
    }
    if watched[1].revents != 0 {
        let mut signal = [0_u8; size_of::<libc::signalfd_siginfo>()];
        // SAFETY: the buffer has the size of what a signalfd gives.
        unsafe { libc::read(children, signal.as_mut_ptr().cast(), signal.len()) };
    }
    Ok(Ready { control: watched[0].revents != 0, exec_result: watched[2].revents != 0 })
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
    format!("{end} {} {} {}", usage.ru_maxrss, microseconds(usage.ru_utime), microseconds(usage.ru_stime))
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
