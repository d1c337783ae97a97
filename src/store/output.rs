//! Which media file a recorded command writes, as far as its command line says it.

/// Containers by the endings of files.
const BY_ENDING: &[(&str, &str)] = &[
    ("mp4", "mp4"),
    ("m4v", "mp4"),
    ("mov", "mov"),
    ("avi", "avi"),
    ("nut", "nut"),
    ("mkv", "matroska"),
    ("webm", "webm"),
    ("ts", "mpegts"),
    ("m2ts", "mpegts"),
];

/// The container that a command line of ffmpeg's or melt's names; `None` of other commands, and where it names none.
pub fn container(command: &[String]) -> Option<String> {
    let program = command.first()?.rsplit('/').next()?;
    match program {
        "ffmpeg" => of_ffmpeg(&command[1..]),
        "melt" | "melt-7" => of_melt(&command[1..]),
        _ => None,
    }
}

/// The last file is written; what stands behind the last `-f` after all inputs is its format.
fn of_ffmpeg(arguments: &[String]) -> Option<String> {
    let inputs = arguments.iter().rposition(|argument| argument == "-i").map_or(0, |at| at + 2);
    let output = arguments.get(inputs..)?;
    let format = output.iter().rposition(|argument| argument == "-f").and_then(|at| output.get(at + 1));
    format.cloned().or_else(|| by_ending(output.last()?))
}

/// `-consumer avformat:FILE`, with `f=FORMAT` where that is given.
fn of_melt(arguments: &[String]) -> Option<String> {
    let consumer = arguments.iter().position(|argument| argument == "-consumer")?;
    let properties = arguments.get(consumer + 1..)?;
    let format = properties.iter().find_map(|property| property.strip_prefix("f="));
    format.map(str::to_string).or_else(|| by_ending(properties.first()?))
}

fn by_ending(file: &str) -> Option<String> {
    let ending = file.rsplit_once('.')?.1.to_ascii_lowercase();
    BY_ENDING.iter().find(|(known, _)| *known == ending).map(|(_, container)| container.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<String> {
        container(&line.split(' ').map(str::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn the_output_of_ffmpeg_and_of_melt_is_found_and_nothing_else() {
        let mp4 = Some("mp4".to_string());
        assert_eq!(of("/usr/bin/ffmpeg -y -i a.mkv -c:v libx264 out.MP4"), mp4);
        assert_eq!(of("ffmpeg -f lavfi -i testsrc -f null -"), Some("null".into()));
        assert_eq!(of("ffmpeg -f lavfi -i testsrc out.mkv"), Some("matroska".into()));
        assert_eq!(of("melt in.mlt -consumer avformat:out.mp4 real_time=0"), mp4);
        assert_eq!(of("melt in.mlt -consumer avformat:out f=mpegts"), Some("mpegts".into()));
        assert_eq!(
            (of("python3 render.py out.mp4"), of("ffmpeg -version"), of("melt in.mlt")),
            (None, None, None)
        );
    }
}
