//! Runs a program that is not measured: one that is asked what it is, or that makes a file.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{
    EndStatus, LaunchError, LaunchReport, LaunchRequest, Launched, Manner, REACHED_WITHIN, Streams,
    UntilOver, Waited, WritersEnded, start,
};

/// How often it is looked whether there is a reason to end it.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The most that is kept of each of its streams; what comes after that is read, so that it can go on, and forgotten.
const MOST_KEPT: u64 = 16 << 20;

/// What a program wrote, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// How it ended.
    pub end: EndStatus,
    /// What it wrote on standard output.
    pub output: String,
    /// What it wrote on standard error.
    pub errors: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoReply {
    /// The launcher could not do its work.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// The program could not be started.
    #[error(transparent)]
    NotStarted(std::io::Error),
    /// It was ended because it was not to go on.
    #[error("it was ended")]
    Ended,
}

/// Runs a program to its end, with nothing to read and its own changes to the environment. It is
/// [guarded](Manner::Guarded): when this process is killed, so is it. It is ended when `may_go_on` says no. Where
/// `writable` is given it can write nowhere else, if the kernel can do that.
///
/// # Errors
/// When it cannot be started or was ended.
pub fn ask(
    launcher: &Path,
    command: &[OsString],
    environment: &[(&str, &str)],
    writable: Option<&[PathBuf]>,
    may_go_on: impl FnMut() -> bool,
) -> Result<Reply, NoReply> {
    let environment = environment.iter().map(|(name, value)| (name.to_string(), Some(value.to_string())));
    let mut launched = start(&LaunchRequest {
        launcher,
        command,
        environment: &environment.collect(),
        manner: Manner::Guarded,
        streams: Streams::Apart,
        cgroup: None,
        folder: None,
        writable,
        progress_fd: None,
    })?;
    let over = WritersEnded::default();
    let streams = [launched.output.take(), launched.errors.take()];
    let readers = streams.map(|pipe| pipe.map(|pipe| read(UntilOver::new(pipe, &over))));
    let end = end_of(&mut launched, may_go_on);
    over.set();
    let text = |reader: Option<JoinHandle<String>>| reader.and_then(|reader| reader.join().ok());
    let [output, errors] = readers.map(|reader| text(reader).unwrap_or_default());
    launched.reap();
    Ok(Reply { end: end?, output, errors })
}

/// Lets the program run until nothing of it is left.
fn end_of(launched: &mut Launched, mut may_go_on: impl FnMut() -> bool) -> Result<EndStatus, NoReply> {
    launched.command_pid()?;
    launched.release();
    let (mut end, mut was_ended) = (None, false);
    loop {
        match launched.reports.next(LOOK_EVERY) {
            Waited::Report(LaunchReport::NotStarted(error)) => end = Some(Err(NoReply::NotStarted(error))),
            // Its end is not its own then.
            Waited::Report(LaunchReport::Interfered) if end.is_none() => {
                std::thread::sleep(REACHED_WITHIN);
                was_ended |= !may_go_on();
                end = Some(Err(launched.died().into()));
            }
            Waited::Report(LaunchReport::Ended(ended)) => _ = end.get_or_insert(Ok(ended.status)),
            Waited::Report(_) => {}
            Waited::End if was_ended => return Err(NoReply::Ended),
            Waited::End => return end.unwrap_or_else(|| Err(launched.died().into())),
            Waited::Nothing if was_ended || may_go_on() => {}
            Waited::Nothing => {
                was_ended = true;
                launched.ask_to_end();
            }
        }
    }
}

fn read(mut pipe: UntilOver) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        let _ = pipe.by_ref().take(MOST_KEPT).read_to_end(&mut kept);
        let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        String::from_utf8_lossy(&kept).into_owned()
    })
}
