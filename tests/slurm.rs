//! A run dealt to the tasks of a job array by Slurm itself: its daemons, on this machine, for this test alone.

mod support;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use memreel::store::{self, StoredResult};
use rustix::process::{Signal, WaitOptions};
use support::*;
use tempfile::TempDir;

/// A cluster of one node. All that it keeps is in a folder of its own, and all that runs for it ends with it.
struct Slurm {
    folder: TempDir,
    daemons: Vec<Child>,
}

impl Slurm {
    /// Starts munge, which vouches for users, the controller and the node, and waits until the node takes jobs.
    fn start() -> Slurm {
        assert!(rustix::process::geteuid().is_root(), "Slurm's daemons run as root, so this test has to");
        // What Slurm detaches from its daemons, tasks above all, falls to this process, which ends it.
        rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
        // Munge runs as a user who may not look into the folder of the tests.
        let mut slurm = Slurm { folder: tempfile::tempdir().unwrap(), daemons: Vec::new() };
        fs::set_permissions(slurm.path(""), fs::Permissions::from_mode(0o755)).unwrap();
        slurm.start_munge();
        slurm.configure();
        slurm.daemon("slurmctld", &["-D"]);
        slurm.daemon("slurmd", &["-D", "-N", "localhost"]);
        until("the node takes jobs", || {
            let told =
                slurm.command("timeout").args(["5", "sinfo", "--noheader", "--format=%t"]).output().unwrap();
            (String::from_utf8_lossy(&told.stdout).trim() == "idle").then_some(())
        });
        slurm
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start_munge(&mut self) {
        let munge = self.path("munge");
        fs::create_dir(&munge).unwrap();
        // A secret for this test's cluster alone.
        let script = "head -c 128 /dev/urandom > key && chmod 600 key && chown -R munge: .";
        let made = Command::new("sh").args(["-c", script]).current_dir(&munge).status().unwrap();
        assert!(made.success(), "is munge installed? scripts/setup.sh does it");
        let file = |option: &str, name: &str| format!("--{option}={}", munge.join(name).display());
        let files = [
            file("key-file", "key"),
            file("socket", "socket"),
            file("pid-file", "pid"),
            file("seed-file", "seed"),
            file("log-file", "log"),
        ];
        let as_munge = ["--reuid", "munge", "--regid", "munge", "--clear-groups", "munged", "--foreground"];
        let arguments: Vec<_> = as_munge.into_iter().chain(files.iter().map(String::as_str)).collect();
        self.daemon("setpriv", &arguments);
        until("munge listens", || munge.join("socket").exists().then_some(()));
    }

    fn configure(&self) {
        let [controller, node] = free_ports();
        let folder = self.folder.path().display();
        for kept in ["state", "spool"] {
            fs::create_dir(self.path(kept)).unwrap();
        }
        let settings = format!(
            "ClusterName=memreel
SlurmctldHost=localhost
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SchedulerParameters=batch_sched_delay=0,sched_min_interval=1
ReturnToService=2
NodeName=localhost NodeAddr=127.0.0.1 CPUs=1 State=UNKNOWN
PartitionName=all Nodes=localhost Default=YES MaxTime=2
"
        );
        fs::write(self.path("slurm.conf"), settings).unwrap();
    }

    /// A program that is told of this cluster.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        // Where daemons are, too, for who is not root elsewhere.
        let path = format!("/usr/sbin:/sbin:{}", std::env::var("PATH").unwrap_or_default());
        command.env("PATH", path).env("SLURM_CONF", self.path("slurm.conf")).stdin(Stdio::null());
        command
    }

    fn daemon(&mut self, program: &str, arguments: &[&str]) {
        let log = fs::File::create(self.path(&format!("{program}.log"))).unwrap();
        let mut command = self.command(program);
        command.args(arguments).stdout(log.try_clone().unwrap()).stderr(log);
        let started = command.spawn();
        self.daemons
            .push(started.unwrap_or_else(|error| panic!("{program}: {error}; scripts/setup.sh installs it")));
    }

    /// Runs a script to the end of all its tasks; returns the number of the job.
    fn run(&self, bench: &Bench, script: &Path) -> String {
        let mut command = self.command("sbatch");
        bench.settle(&mut command);
        let memreel = Path::new(env!("CARGO_BIN_EXE_memreel")).parent().unwrap().display();
        let path = format!("{memreel}:{}", std::env::var("PATH").unwrap_or_default());
        command.env("PATH", path).args(["--wait", "--parsable"]).arg(script);
        let ran = bench.start_command(command).wait();
        let logs: Vec<_> = fs::read_dir(bench.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        let logs = logs.iter().filter(|path| path.extension().is_some_and(|ending| ending == "log"));
        let logs: Vec<_> = logs.map(|path| fs::read_to_string(path).unwrap()).collect();
        assert!(ran.status.success(), "{}{}\n{}", ran.out, ran.err, logs.join("\n"));
        ran.out.trim().to_string()
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for daemon in ["setpriv", "slurmctld", "slurmd"] {
                let log = fs::read_to_string(self.path(&format!("{daemon}.log"))).unwrap_or_default();
                eprintln!("--- {daemon}\n{log}");
            }
        }
        let mut patience = Patience::new();
        while !patience.is_over() {
            let left = descendants();
            if left.is_empty() {
                return;
            }
            left.iter().for_each(|&pid| send(pid, Signal::KILL));
            while let Ok(Some(_)) = rustix::process::wait(WaitOptions::NOHANG) {}
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(std::thread::panicking(), "processes are left: {:?}", descendants());
    }
}

/// Two ports that nobody listens at.
fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// Each job's folder and digest.
fn measured(result: &StoredResult) -> Vec<(String, String)> {
    let name = |folder: &Path| folder.file_name().unwrap().to_str().unwrap().to_string();
    result.jobs.iter().map(|job| (name(&job.folder), job.record.digest.clone())).collect()
}

#[test]
fn slurm_runs_the_script_and_what_it_says_merges_the_tasks_into_the_whole_run() {
    let bench = Bench::new();
    // A name and a change that a shell would make something else of.
    let name = "it's $HOME";
    bench.scenario(
        name,
        "
sources.shot.generate = { seconds = 1, size = '320x180' }
timeline.tracks = [{ children = [{ clip = 'shot', duration = '5f' }] }]
export.preset = 'ultrafast'
export.audio = false
matrix.threading = ['single', 'parallel:2']
",
    );
    let file = format!("{name}.toml");
    let told = [file.as_str(), "--repeat", "2", "--set", "question=\"Is `true` $PATH; or isn't it?\""];
    bench.run(&[&["run"], &told[..]].concat()).expect(0);
    let plan = bench.run(&[&["plan"], &told[..], &["--shards", "2", "--format", "slurm"]].concat());
    let script = bench.path().join("script");
    fs::write(&script, &plan.expect(0).out).unwrap();

    let slurm = Slurm::start();
    let job = slurm.run(&bench, &script);

    for task in ["1", "2"] {
        let log = bench.path().join(format!("memreel-it-s--HOME-{job}-{task}.log"));
        assert!(fs::read_to_string(&log).unwrap().contains("Is `true` $PATH; or isn't it?"), "{log:?}");
    }
    let merge =
        plan.out.lines().find_map(|line| line.strip_prefix("#   memreel")).unwrap().replace("JOB", &job);
    let mut command = Command::new("sh");
    command.args(["-euc", &format!("'{}' {merge}", env!("CARGO_BIN_EXE_memreel"))]);
    bench.settle(&mut command);
    assert_eq!(bench.start_command(command).wait().expect(0).err, "");
    let merged = store::open_result(&bench.path().join(format!("memreel-it-s--HOME-{job}/merged"))).unwrap();
    let whole = bench.latest(name);
    assert_eq!((merged.jobs.len(), &merged.index.jobs), (4, &whole.index.jobs));
    assert_eq!(measured(&merged), measured(&whole));
}
