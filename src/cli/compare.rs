//! `memreel compare`: results side by side, or commands that take turns.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, Failure, again};
use crate::report::{Report, TableLook};
use crate::store;

/// Compare results, or run commands in turns and compare them
///
/// Results are named by their folders, or by their names below --reports: `before` is reports/before/latest. The table
/// has a variant for each result, and memory, CPU time and speed are compared in sentences, with 95 % intervals from
/// three repeats on.
///
/// Commands stand after `--`, with `--` between them. They take turns in every repeat, as variants of `memreel run` do,
/// so that a busy machine is busy for both; all of `memreel run --command` holds for them. Figures of different days
/// show less: the machine changes, too.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  memreel compare --repeat 5 -- ffmpeg -y -i in.mov a.mp4 -- ffmpeg -y -i in.mov -preset veryfast b.mp4
  memreel compare --repeat 5 --names old,new -- ./old/render '{output}' -- ./new/render '{output}'
  memreel record --repeat 5 --name before -- ./render a.mov
  memreel record --repeat 5 --name after -- ./render a.mov
  memreel compare before after -o before-after")]
#[command(override_usage = "\
memreel compare [OPTIONS] RESULT RESULT…
       memreel compare [OPTIONS] -- COMMAND [ARGUMENT]… -- COMMAND [ARGUMENT]…")]
pub struct CompareCommand {
    /// Results: folders, or names below --reports
    #[arg(value_name = "RESULT")]
    results: Vec<String>,
    /// Commands, with `--` between them
    #[arg(last = true, value_name = "COMMAND")]
    commands: Vec<String>,
    /// How often each command runs
    #[arg(long, value_name = "N", default_value = "3", requires = "commands")]
    repeat: String,
    /// What the commands are called, in their order: old,new
    #[arg(long, value_name = "LIST", requires = "commands")]
    names: Option<String>,
    /// How all of them say how far they are: the number of frames in what they print
    #[arg(long, value_name = "REGEX", requires = "commands")]
    progress_regex: Option<String>,
    /// Write summary.csv, summary.json and the plots of compared results into this folder
    #[arg(short, long, value_name = "DIR", requires = "results")]
    output: Option<PathBuf>,
    /// Folder for all results
    #[arg(long, value_name = "DIR", default_value = "reports")]
    reports: PathBuf,
}

impl CompareCommand {
    /// Compares, and says by the exit code whether all commands did what they were asked.
    pub fn run(self, out: &mut dyn Write) -> Result<Exit, Failure> {
        match self.commands.is_empty() {
            true => self.results(out),
            false => self.commands(out),
        }
    }

    fn commands(&self, out: &mut dyn Write) -> Result<Exit, Failure> {
        if let Some(first) = self.results.first() {
            return Err(Failure::usage(format!(
                "`{first}` is before the commands; compare either results or commands"
            )));
        }
        let commands: Vec<_> = self.commands.split(|word| word == "--").collect();
        if commands.len() < 2 || commands.iter().any(|command| command.is_empty()) {
            return Err(Failure::usage("give two commands or more, with `--` between them: -- A -- B"));
        }
        let joined = commands.iter().map(|words| shlex::try_join(words.iter().map(String::as_str)));
        let mut run = vec!["run".to_string(), "--name".into(), "compare".into()];
        for command in joined {
            let command = command.map_err(|_| Failure::usage("a command has a null character"))?;
            run.extend(["--command".to_string(), command]);
        }
        run.extend([
            "--repeat".into(),
            self.repeat.clone(),
            "--reports".into(),
            self.reports.display().to_string(),
        ]);
        let options = [("--names", &self.names), ("--progress-regex", &self.progress_regex)];
        for (name, value) in options {
            run.extend(value.iter().flat_map(|value| [name.to_string(), value.clone()]));
        }
        again(run, out)
    }

    fn results(&self, out: &mut dyn Write) -> Result<Exit, Failure> {
        if self.results.len() < 2 {
            return Err(Failure::usage("give two results or more, or commands after `--`"));
        }
        let read = |name: &String| -> Result<(String, Report), Failure> {
            let result = store::open_result(&self.folder(name))?;
            Ok((name.clone(), Report::read(&result)?))
        };
        let reports = self.results.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let report = Report::side_by_side(reports);
        report.print(out, TableLook::of_stdout())?;
        if let Some(folder) = &self.output {
            std::fs::create_dir_all(folder)?;
            writeln!(out, "\n{}", report.write_all(folder)?.summary.display())?;
        }
        Ok(Exit::Fine)
    }

    /// A folder, or the newest result of that name.
    fn folder(&self, name: &str) -> PathBuf {
        let named = self.reports.join(name).join("latest");
        let path = Path::new(name);
        if !path.exists() && named.exists() { named } else { path.to_path_buf() }
    }
}
