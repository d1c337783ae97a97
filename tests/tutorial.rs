//! The tutorial can be followed: its commands run in an empty folder, in their order, and answer as it shows.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::*;

/// A code block of the tutorial.
#[derive(Debug)]
struct Block<'a> {
    /// The line of its fence.
    line: usize,
    /// The text after the fence: the language, and what else there is to know.
    info: &'a str,
    text: String,
}

/// A block of commands, with the answers that the tutorial shows after it.
#[derive(Debug)]
struct Step<'a> {
    line: usize,
    commands: &'a str,
    answers: Vec<&'a str>,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in page.lines().enumerate() {
        match (open.as_mut(), line.strip_prefix("```")) {
            (None, Some(info)) => open = Some(Block { line: number + 1, info, text: String::new() }),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block that does not end: {open:?}");
    blocks
}

/// `yes`, `no` or `can't tell yet` of each answer in a text, in their order.
fn answers(text: &str) -> Vec<&str> {
    let after = text.split("Memory grows: ").skip(1);
    after.map(|rest| rest.split([',', '.', '–', '(']).next().unwrap().trim()).collect()
}

/// Blocks that install are not run: the programs are built already.
fn steps<'a>(blocks: &'a [Block<'_>]) -> Vec<Step<'a>> {
    let mut steps: Vec<Step> = Vec::new();
    for block in blocks {
        match block.info {
            "sh" => steps.push(Step { line: block.line, commands: &block.text, answers: Vec::new() }),
            "text" => {
                if let Some(step) = steps.last_mut() {
                    step.answers.extend(answers(&block.text));
                }
            }
            "sh install" => {
                let tools = ["make", "cargo", "apt-get", "git", "cd", "export"];
                let is_of = |line: &str| tools.iter().any(|tool| line.starts_with(&format!("{tool} ")));
                assert!(block.text.lines().all(is_of), "line {} does more than install", block.line);
            }
            other => panic!("line {}: a block of `{other}`", block.line),
        }
    }
    steps
}

/// Runs commands as a reader's shell does that stops at the first failure.
fn run(bench: &Bench, folder: &Path, commands: &str) -> Ran {
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", commands]);
    bench.settle(&mut command);
    command.current_dir(folder);
    let programs = exporter().parent().unwrap().to_path_buf();
    let path = std::env::var_os("PATH").unwrap();
    let path = std::iter::once(programs).chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(path).unwrap());
    bench.start_command(command).wait()
}

#[test]
fn the_tutorial_can_be_followed_and_answers_as_it_shows() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tutorial.md");
    let page = fs::read_to_string(page).unwrap();
    let blocks = blocks(&page);
    let steps = steps(&blocks);
    let shown: Vec<_> = steps.iter().flat_map(|step| &step.answers).collect();
    for answer in ["yes", "no", "can't tell yet"] {
        assert!(shown.contains(&&answer), "the tutorial shows no `{answer}`: {shown:?}");
    }
    let bench = Bench::new();
    let folder = bench.path().join("empty");
    fs::create_dir(&folder).unwrap();
    for step in steps {
        let ran = run(&bench, &folder, step.commands);
        let said = format!("{}{}", ran.out, ran.err);
        let place = format!("docs/tutorial.md:{}\n{said}", step.line);
        assert!(ran.status.success(), "{}: {place}", ran.status);
        assert!(step.answers.is_empty() || answers(&said) == step.answers, "{:?}: {place}", step.answers);
    }
}
