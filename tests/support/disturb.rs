//! What can go wrong while memreel runs, done to a small matrix on purpose, and what has to hold after it.

use std::cell::RefCell;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use memreel::baseline::Baseline;
use memreel_judge::stats::random::Random;
use rustix::process::Signal;

use super::support::*;

/// Two exports, one of them long enough to be disturbed.
const MATRIX: &str = "
sources.shot.generate = { count = 2, seconds = 4, size = '160x90' }
timeline.tracks = [{ children = [{ clip = 'shot', start = '13f', duration = '20f' }] }]
export.preset = 'ultrafast'
export.audio = false
matrix.threading = 'single'
matrix.length = [2, 60]
";

/// Nothing of a memreel that was killed runs longer.
const GONE_WITHIN: Duration = Duration::from_secs(2);

/// Samples are handed to the kernel once a second.
const FLUSH: Duration = Duration::from_secs(1);

/// Something that goes wrong.
pub struct Disturbance {
    /// What.
    pub name: &'static str,
    /// What memreel says then, in its table or in its complaint; empty where nobody is left to say something.
    pub says: &'static str,
    /// Exit codes of memreel; none where it was killed.
    pub codes: &'static [i32],
    /// Whether memreel, a launcher of its, or both are killed.
    pub is_kill: bool,
    /// Whether an export of its may have failed in the end; else all are whole after `--resume`.
    pub may_fail: bool,
    act: fn(&mut Lab) -> Ran,
}

const fn of(
    name: &'static str,
    says: &'static str,
    codes: &'static [i32],
    may_fail: bool,
    act: fn(&mut Lab) -> Ran,
) -> Disturbance {
    Disturbance { name, says, codes, is_kill: false, may_fail, act }
}

impl Disturbance {
    /// memreel, the outer guard or the guard is killed in it.
    const fn by_killing(self) -> Disturbance {
        Disturbance { is_kill: true, ..self }
    }
}

/// All that is tried.
pub const DISTURBANCES: &[Disturbance] = &[
    of("memreel is killed", "", &[], false, |lab| lab.kill([true, false, false])).by_killing(),
    of("the outer guard of an engine is killed", "ended before the command did", &[5], false, |lab| {
        lab.kill([false, true, false])
    })
    .by_killing(),
    of("the guard of an engine is killed", "ended before the command did", &[5], false, |lab| {
        lab.kill([false, false, true])
    })
    .by_killing(),
    of("memreel and an outer guard are killed", "", &[], false, |lab| lab.kill([true, true, false]))
        .by_killing(),
    of("memreel and a guard are killed", "", &[], false, |lab| lab.kill([true, false, true])).by_killing(),
    of("memreel is interrupted", "continue with `memreel run --resume", &[130], false, Lab::interrupt),
    of("memreel stands still for a second", "finished", &[0], false, Lab::pause),
    of("an engine is killed", "killed by SIGKILL", &[4], true, |lab| lab.hurt_engine(&[], Signal::KILL)),
    of("an engine stands still", "stalled: no frame for 3 s", &[4], true, |lab| {
        lab.hurt_engine(&["--stall-limit", "3"], Signal::STOP)
    }),
    of("an engine takes too long", "ended after the limit of 3 s", &[4], true, |lab| {
        lab.stand_in(
            "while :; do n=$((n + 1)); echo \"frames $n $n\" >&5; sleep 0.05; done",
            &["--wall-limit", "3"],
        )
    }),
    of("an engine gives up", "failed with exit code 3: no such codec", &[4], true, |lab| {
        lab.stand_in("echo 'no such codec' >&2; exit 3", &[])
    }),
    of(
        "an engine says that it succeeded and wrote nothing",
        "exported 0 frames instead of 2400",
        &[4],
        true,
        |lab| lab.stand_in("exit 0", &[]),
    ),
    of("an engine floods its output", "finished", &[0], false, |lab| {
        lab.stand_in("yes | head -c 30000000 >&2; exec \"$real\" \"$@\"", &[])
    }),
    of("what counts the frames of an export is killed", "finished", &[0], false, |lab| {
        lab.stand_in_for_all("exec \"$real\" \"$@\";; frames) kill -KILL $$", &[])
    }),
    of(
        "what makes the media is killed",
        "was killed by signal 9; run memreel again",
        &[5],
        false,
        Lab::kill_generator,
    ),
    of("memreel is killed while media are made", "", &[], false, Lab::kill_while_media_are_made),
    of("the disk is full", "No space left on device", &[4, 5], true, Lab::fill_disk),
    of("the folder of the result is removed", "No such file or directory", &[5], false, Lab::remove_result),
    of("the folder of the running job is removed", "No such file or directory", &[5], false, Lab::remove_job),
    of(
        "another memreel resumes the result meanwhile",
        "it is being written by process",
        &[2],
        false,
        Lab::resume_meanwhile,
    ),
    of("two save baselines in one file at once", "kept.baseline", &[0], false, Lab::save_twice),
];

/// A folder in which memreel is disturbed.
pub struct Lab {
    pub bench: Bench,
    pub random: Random,
    /// When memreel was killed.
    killed: Option<SystemTime>,
    is_mounted: bool,
    /// The processes of every memreel that was started: beside this test others may run and be killed.
    started: RefCell<Vec<i32>>,
    since: SystemTime,
}

/// What of a job is the same however often it is exported.
pub type Facts = Vec<[String; 5]>;

impl Lab {
    /// Exports with this engine.
    pub fn new(seed: u64, engine: &str) -> Lab {
        let bench = Bench::new();
        bench.scenario("matrix", &format!("{MATRIX}matrix.engine = '{engine}'\n"));
        Lab {
            bench,
            random: Random::seeded(seed),
            killed: None,
            is_mounted: false,
            started: RefCell::default(),
            since: SystemTime::now(),
        }
    }

    /// Disturbs memreel, looks at what it said, and at what is left.
    pub fn disturb(&mut self, disturbance: &Disturbance, whole: &Facts) -> Ran {
        let ran = (disturbance.act)(self);
        let code = ran.status.code();
        let name = disturbance.name;
        let is_known = code.map_or(disturbance.codes.is_empty(), |code| disturbance.codes.contains(&code));
        assert!(is_known, "{name}: {}\n{}{}", ran.status, ran.out, ran.err);
        let said = [&ran.out, &ran.err].map(|text| unwrapped(text));
        assert!(said.iter().any(|text| text.contains(disturbance.says)), "{name}: {said:?}");
        self.settle(disturbance.may_fail, whole);
        ran
    }

    /// Nothing runs any more; each job is whole or absent, and what is absent is made by `--resume`.
    fn settle(&mut self, may_fail: bool, whole: &Facts) {
        let ended = Instant::now();
        while !mentioning(self.bench.path()).is_empty() {
            let left = mentioning(self.bench.path());
            assert!(ended.elapsed() < GONE_WITHIN, "still runs: {left:?}");
            sleep(Duration::from_millis(20));
        }
        self.little_is_lost();
        if self.is_mounted {
            mount(&["-o", "remount,size=64m", "tmpfs"], &self.bench.path().join("reports"));
        }
        if self.folder().join("result.json").exists() {
            let ran = self.memreel(&["report", "reports/matrix/latest"]).wait();
            ran.expect(0);
            let ran = self.memreel(&["run", "--resume", "reports/matrix/latest"]).wait();
            assert!(
                ran.status.success() || (may_fail && ran.status.code() == Some(4)),
                "{}{}",
                ran.out,
                ran.err
            );
            self.is_whole(may_fail, whole);
        }
        assert_eq!(groups_of(&self.started.borrow(), self.since), Vec::<PathBuf>::new());
    }

    /// Every job that finished is as it is undisturbed.
    fn is_whole(&self, may_fail: bool, whole: &Facts) {
        let facts = facts(&self.folder());
        assert_eq!(facts.len(), whole.len());
        for (fact, whole) in facts.iter().zip(whole) {
            assert!(
                fact == whole || (may_fail && fact[2] != "finished" && fact[..2] == whole[..2]),
                "{fact:?} {whole:?}"
            );
        }
        let names = fs::read_dir(self.folder().join("jobs")).unwrap();
        let names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert!(names.len() == whole.len() && names.iter().all(|name| !name.starts_with('.')), "{names:?}");
    }

    /// Of a job that ran when memreel was killed the samples are there but for those of the last flush. Returns how
    /// long it had run.
    fn little_is_lost(&mut self) -> Option<Duration> {
        let killed = self.killed.take()?;
        let samples = self.partial_job()?.join("samples.csv");
        let ran = killed.duration_since(fs::metadata(&samples).ok()?.created().unwrap()).unwrap_or_default();
        let rows = memreel_trace::read_samples(&samples).unwrap();
        let seen = Duration::from_secs_f64(rows.last().map_or(0.0, |row| row.t_s));
        // Half a second for whoever waits for a CPU.
        assert!(seen + FLUSH + FLUSH / 2 >= ran, "it ran {ran:?}, samples end at {seen:?}");
        Some(ran)
    }

    /// Kills memreel in the fourth second of an export.
    pub fn kill_late(&mut self) -> Duration {
        let endless = "while :; do n=$((n + 1)); echo \"frames $n $n\" >&5; sleep 0.05; done";
        drop(self.bench.memreel_with_exporter(endless, &["version"]));
        let running = self.run(&[]);
        until("samples are written", || self.partial_job()?.join("samples.csv").exists().then_some(()));
        sleep(4 * FLUSH - FLUSH / 4);
        self.killed = Some(SystemTime::now());
        running.signal(Signal::KILL);
        let _ = running.wait();
        self.little_is_lost().expect("a job ran")
    }

    /// The folder of the job that runs, or ran when memreel was killed.
    fn partial_job(&self) -> Option<PathBuf> {
        let mut jobs = fs::read_dir(self.folder().join("jobs")).ok()?.flatten().map(|entry| entry.path());
        jobs.find(|job| job.file_name().unwrap().to_string_lossy().starts_with(".partial"))
    }

    fn folder(&self) -> PathBuf {
        self.bench.latest_folder("matrix")
    }

    /// memreel, with the exporter of this lab where it has one of its own.
    fn memreel(&self, arguments: &[&str]) -> Running {
        let mut command = self.bench.memreel(arguments);
        let stand_in = self.bench.path().join("companions/memreel");
        if stand_in.exists() {
            command = Command::new(stand_in);
            command.args(arguments);
            self.bench.settle(&mut command);
        }
        if self.own_media().exists() {
            command.env("MEMREEL_MEDIA", self.own_media());
        }
        let running = self.bench.start_command(command);
        self.started.borrow_mut().push(running.pid());
        running
    }

    fn own_media(&self) -> PathBuf {
        self.bench.path().join("media")
    }

    fn run(&self, more: &[&str]) -> Running {
        self.memreel(&[&["run", "matrix.toml"], more].concat())
    }

    /// Waits for up to so many milliseconds.
    fn dawdle(&mut self, most: usize) {
        sleep(Duration::from_millis(self.random.below(most) as u64));
    }

    /// The outer guard and the guard of the job that runs.
    fn guards(&self) -> Option<[i32; 2]> {
        let mut all = mentioning(self.bench.path());
        let exports = |word: &String| word.contains("/timelines/");
        all.retain(|process| process.program() == "memreel-launch" && process.command.iter().any(exports));
        let pair = |guard: &Process| {
            let parent = guard.parent();
            all.iter().any(|outer| outer.pid == parent).then_some([parent, guard.pid])
        };
        all.iter().find_map(pair)
    }

    /// Kills, at any moment of an export, those of memreel, the outer guard and the guard that are named.
    fn kill(&mut self, who: [bool; 3]) -> Ran {
        let mut running = self.run(&[]);
        until("an engine runs", || self.bench.engines().pop());
        self.dawdle(700);
        let guards = until("a job runs, or all have", || match self.guards() {
            None if running.has_ended() => Some(None),
            guards => guards.map(Some),
        });
        // That was too late.
        let Some([outer, guard]) = guards else { return self.kill(who) };
        self.killed = who[0].then(SystemTime::now);
        for (pid, _) in [running.pid(), outer, guard].into_iter().zip(who).filter(|(_, killed)| *killed) {
            send(pid, Signal::KILL);
        }
        let ran = running.wait();
        // All of it was exported already, and held against the file.
        if ran.status.success() { self.kill(who) } else { ran }
    }

    fn interrupt(&mut self) -> Ran {
        let running = self.run(&[]);
        until("an engine runs", || self.bench.engines().pop());
        self.dawdle(100);
        running.signal(Signal::INT);
        running.wait()
    }

    fn pause(&mut self) -> Ran {
        let running = self.run(&[]);
        self.dawdle(1000);
        running.signal(Signal::STOP);
        sleep(Duration::from_secs(1));
        running.signal(Signal::CONT);
        running.wait()
    }

    fn hurt_engine(&mut self, more: &[&str], signal: Signal) -> Ran {
        let running = self.run(more);
        // A short one may have ended meanwhile.
        until("an engine is hurt", || {
            self.bench.engine_with("length-60").signal(signal);
            sleep(Duration::from_millis(20));
            let is_hurt =
                |process: &Process| Stat::read(Path::new(&format!("/proc/{}/stat", process.pid))).is_some();
            (signal == Signal::KILL || self.bench.engines().iter().any(is_hurt)).then_some(())
        });
        running.wait()
    }

    /// Has the long export made by a script.
    fn stand_in(&mut self, script: &str, more: &[&str]) -> Ran {
        self.stand_in_for_all(&format!("case \"$2\" in *-length-60-r1.mp4) {script};; esac"), more)
    }

    /// Has a script in place of the exporter.
    fn stand_in_for_all(&mut self, script: &str, more: &[&str]) -> Ran {
        drop(self.bench.memreel_with_exporter(script, &["version"]));
        self.run(more).wait()
    }

    /// Starts with no media, and waits until some are made.
    fn making_media(&mut self) -> (Running, Process) {
        fs::create_dir(self.own_media()).unwrap();
        let running = self.run(&[]);
        let maker = until("media are made", || {
            let mut made = mentioning(&self.own_media()).into_iter();
            made.find(|process| process.program() == "memreel-export")
        });
        (running, maker)
    }

    fn kill_generator(&mut self) -> Ran {
        let (running, maker) = self.making_media();
        maker.kill();
        running.wait()
    }

    fn kill_while_media_are_made(&mut self) -> Ran {
        let (running, _) = self.making_media();
        running.signal(Signal::KILL);
        running.wait()
    }

    /// Lets the results have some hundred KiB.
    fn fill_disk(&mut self) -> Ran {
        let reports = self.bench.path().join("reports");
        fs::create_dir(&reports).unwrap();
        let size = format!("size={}k", 40 + 4 * self.random.below(40));
        mount(&["-t", "tmpfs", "-o", &size, "tmpfs"], &reports);
        self.is_mounted = true;
        self.run(&["--keep-exports"]).wait()
    }

    fn remove_result(&mut self) -> Ran {
        let running = self.run(&[]);
        until("an engine runs", || self.bench.engines().pop());
        self.dawdle(300);
        let folder = self.folder().canonicalize().unwrap();
        until("it is removed", || fs::remove_dir_all(&folder).is_ok().then_some(()));
        running.wait()
    }

    fn remove_job(&mut self) -> Ran {
        let running = self.run(&[]);
        until("a job is removed", || fs::remove_dir_all(self.partial_job()?).ok());
        running.wait()
    }

    fn resume_meanwhile(&mut self) -> Ran {
        let running = self.run(&[]);
        until("an engine runs", || self.bench.engines().pop());
        let second = self.memreel(&["run", "--resume", "reports/matrix/latest"]).wait();
        running.wait().expect(0);
        second
    }

    fn save_twice(&mut self) -> Ran {
        let other = MATRIX.replace("[2, 60]", "2");
        self.bench.scenario("other", &other);
        self.run(&[]).wait().expect(0);
        self.memreel(&["run", "other.toml"]).wait().expect(0);
        let save = |name: &str| {
            self.memreel(&["baseline", "save", &format!("reports/{name}/latest"), "kept.baseline"])
        };
        let [first, second] = ["matrix", "other"].map(save);
        first.wait().expect(0);
        let ran = second.wait();
        let text = fs::read_to_string(self.bench.path().join("kept.baseline")).unwrap();
        assert_eq!(Baseline::parse(&text).unwrap().entries().len(), 3);
        ran
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.is_mounted {
            let _ = Command::new("umount").arg(self.bench.path().join("reports")).status();
        }
    }
}

fn mount(arguments: &[&str], folder: &Path) {
    let status = Command::new("mount").args(arguments).arg(folder).status().unwrap();
    assert!(status.success(), "a small disk needs the right to mount: run it as root");
}

/// What is the same of each job however often it is exported.
pub fn facts(folder: &Path) -> Facts {
    let fact = |row: std::collections::HashMap<String, String>| {
        ["length", "repeat", "outcome", "frames_out", "output_bytes"].map(|column| row[column].clone())
    };
    let mut facts: Vec<_> = summary(folder).into_iter().map(fact).collect();
    facts.sort();
    facts
}

/// Of a matrix that nobody disturbs.
pub fn undisturbed(engine: &str) -> Facts {
    let lab = Lab::new(0, engine);
    lab.run(&[]).wait().expect(0);
    facts(&lab.folder())
}

/// The control groups that these have made, since then: an older one is of another process of that number.
fn groups_of(memreels: &[i32], since: SystemTime) -> Vec<PathBuf> {
    let is_theirs = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let owner =
            name.strip_prefix("memreel-").and_then(|rest| rest.split('-').next()?.parse::<i32>().ok());
        let made = fs::metadata(path).and_then(|about| about.modified());
        owner.is_some_and(|pid| memreels.contains(&pid)) && made.is_ok_and(|made| made >= since)
    };
    let mut folders = vec![PathBuf::from("/sys/fs/cgroup")];
    let mut left = Vec::new();
    while let Some(folder) = folders.pop() {
        let below = fs::read_dir(folder).into_iter().flatten().flatten();
        let below = below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let below: Vec<_> = below.map(|entry| entry.path()).collect();
        left.extend(below.iter().filter(|path| is_theirs(path)).cloned());
        folders.extend(below);
    }
    left
}

/// How a memreel ended, as a shell has it.
pub fn ending(ran: &Ran) -> String {
    match (ran.status.code(), ran.status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (None, signal) => format!("signal {}", signal.unwrap_or_default()),
    }
}
