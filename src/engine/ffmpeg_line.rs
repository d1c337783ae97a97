//! What a command line of ffmpeg's says of its inputs.

use std::path::{Path, PathBuf};

/// Options of an input after which not all of it is exported, or not as it is.
const CUTTING: &[&str] = &["-ss", "-sseof", "-t", "-to", "-stream_loop", "-itsoffset", "-r", "-itsscale"];

/// The files that a command line names as inputs.
pub fn inputs(command: &[String]) -> Vec<&str> {
    command.windows(2).filter(|pair| pair[0] == "-i").map(|pair| pair[1].as_str()).collect()
}

/// The files whose pictures are exported one after another, in order: inputs that the filter `concat` joins as they
/// are, or those in the list of the demuxer of that name. `None` where they are cut, or it is something else.
pub fn joined(command: &[String], folder: &Path) -> Option<Vec<PathBuf>> {
    let last = command.iter().rposition(|word| word == "-i")?;
    let before = &command[..last];
    if before.iter().any(|word| CUTTING.contains(&word.as_str())) {
        return None;
    }
    let files = inputs(command);
    let is_list = before.windows(2).any(|pair| pair[0] == "-f" && pair[1] == "concat");
    match files.as_slice() {
        [list] if is_list => listed(&folder.join(list)),
        _ if is_list => None,
        files => {
            let graph =
                command.windows(2).find(|pair| pair[0] == "-filter_complex" || pair[0] == "-lavfi")?;
            let order = concatenated(&graph[1])?;
            order.into_iter().map(|number| Some(folder.join(files.get(number)?))).collect()
        }
    }
}

/// The files of a list for the demuxer: `file 'a.mp4'` on a line each. Lists that say where files begin or end are none
/// of whole files.
fn listed(list: &Path) -> Option<Vec<PathBuf>> {
    let text = memreel_bounds::read_text(list, memreel_bounds::SCENARIO_BYTES).ok()?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let folder = list.parent().unwrap_or(Path::new(""));
    let file = |line: &str| match shlex::split(line)?.as_slice() {
        [word, file] if word == "file" => Some(folder.join(file)),
        _ => None,
    };
    lines.filter(|line| !line.starts_with("ffconcat")).map(file).collect()
}

/// The numbers of the inputs whose pictures a filter graph joins, where it does nothing else before.
fn concatenated(graph: &str) -> Option<Vec<usize>> {
    let chain = graph.split(';').find(|chain| filter_of(chain) == Some("concat"))?;
    let arguments = chain.split_once("concat=")?.1.split(['[', ',']).next()?;
    let value = |name: &str| {
        arguments.split(':').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
    };
    let (count, pictures, sounds) = (value("n")?, value("v").unwrap_or(1), value("a").unwrap_or(0));
    let labels: Vec<&str> =
        chain.split("concat").next()?.split(['[', ']']).map(str::trim).filter(|it| !it.is_empty()).collect();
    let per_segment: usize = pictures + sounds;
    if pictures != 1 || labels.len() != count * per_segment {
        return None;
    }
    let picture = |segment: &[&str]| {
        let (number, stream) = segment[0].split_once(':')?;
        stream.starts_with('v').then(|| number.parse().ok())?
    };
    labels.chunks(per_segment).map(picture).collect()
}

/// The first filter of a chain.
fn filter_of(chain: &str) -> Option<&str> {
    let mut rest = chain.trim();
    while let Some(label) = rest.strip_prefix('[') {
        rest = label.split_once(']')?.1.trim_start();
    }
    rest.split(['=', ',', '[', '@']).next().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<Vec<PathBuf>> {
        joined(&shlex::split(line).unwrap(), Path::new("/f"))
    }

    fn files(names: &[&str]) -> Option<Vec<PathBuf>> {
        Some(names.iter().map(|name| Path::new("/f").join(name)).collect())
    }

    #[test]
    fn inputs_that_are_joined_as_they_are_are_known_in_their_order() {
        let graph = "-filter_complex '[1:v:0][0:v] concat=n=2:v=1:a=0 [v]' -map '[v]'";
        assert_eq!(of(&format!("ffmpeg -i a.mp4 -i b.mp4 {graph} o.mp4")), files(&["b.mp4", "a.mp4"]));
        let sound = "-filter_complex '[0:v][0:a][1:v][1:a]concat=n=2:v=1:a=1[v][a];[v]scale=64:64[s]'";
        assert_eq!(of(&format!("ffmpeg -i a.mp4 -i b.mp4 {sound} o.mp4")), files(&["a.mp4", "b.mp4"]));
    }

    #[test]
    fn of_anything_else_nothing_is_said() {
        for line in [
            "ffmpeg -i a.mp4 o.mp4",
            "ffmpeg -ss 1 -i a.mp4 -i b.mp4 -filter_complex '[0:v][1:v]concat=n=2' o.mp4",
            "ffmpeg -i a.mp4 -i b.mp4 -filter_complex '[0:v]trim=1:2[x];[x][1:v]concat=n=2' o.mp4",
            "ffmpeg -i a.mp4 -i b.mp4 -filter_complex '[0:v][1:v]overlay' o.mp4",
            "ffmpeg -i a.mp4 -i b.mp4 -filter_complex '[0:v][2:v]concat=n=2' o.mp4",
            "ffmpeg -i a.mp4 -i b.mp4 -filter_complex '[0:v][1:v]concat=n=3' o.mp4",
            "ffmpeg -f concat -i no-such-list.txt o.mp4",
        ] {
            assert_eq!(of(line), None, "{line}");
        }
    }

    #[test]
    fn the_list_of_the_demuxer_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list.txt");
        let line = |text: &str| {
            std::fs::write(&list, text).unwrap();
            joined(&shlex::split("ffmpeg -f concat -safe 0 -i list.txt o.mp4").unwrap(), folder.path())
        };
        let whole = line("ffconcat version 1.0\n# clips\nfile 'a b.mp4'\nfile /c.mp4\n");
        assert_eq!(whole, Some(vec![folder.path().join("a b.mp4"), "/c.mp4".into()]));
        assert_eq!(line("file 'a.mp4'\ninpoint 2\n"), None);
    }
}
