//! What a project would write and fetch, beside the export itself.
//!
//! MLT makes every service of a document, also those that are not played, and opens what they name. What is known
//! of its services here is what `melt -query filter=…` and `ffmpeg -h filter=…` say of their properties (MLT 7.12 to
//! 7.32, FFmpeg 5.1 to 8).

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::mlt::graph::{Body, Effect, Element, NamedValues, Part, Planted, PlaylistItem};
use crate::mlt::{Graph, from_mlt_xml};

/// What a project reaches for outside of the files that it plays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// Files that it would write.
    pub writes: Vec<ProjectWrite>,
    /// What it would fetch from elsewhere.
    pub fetches: Vec<ProjectFetch>,
}

/// A file that a service of a project writes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProjectWrite {
    /// The service, as `filter vidstab`.
    pub by: String,
    /// The property that names the file.
    pub property: String,
    /// The file. `/` for what cannot be looked into, as a script, and may write anything.
    pub file: PathBuf,
    /// Whether an export writes it, too: a consumer of the project only works where nobody names another one.
    pub in_an_export: bool,
}

/// Something that a service of a project reads by a protocol of FFmpeg's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProjectFetch {
    /// The service, as `producer avformat`.
    pub by: String,
    /// The property that names it.
    pub property: String,
    /// What it names.
    pub url: String,
}

/// FFmpeg's protocols that read what is not the file of that name: from the network, from another program, or a
/// part of other files. `file:` and `data:` are none.
const PROTOCOLS: &[&str] = &[
    "amqp",
    "async",
    "bluray",
    "cache",
    "concat",
    "concatf",
    "crypto",
    "fd",
    "ffrtmpcrypt",
    "ffrtmphttp",
    "ftp",
    "gopher",
    "gophers",
    "hls",
    "http",
    "httpproxy",
    "https",
    "icecast",
    "ipfs",
    "ipns",
    "mmsh",
    "mmst",
    "mms",
    "pipe",
    "rist",
    "rtmp",
    "rtmpe",
    "rtmps",
    "rtmpt",
    "rtmpte",
    "rtmpts",
    "rtp",
    "rtsp",
    "sctp",
    "sftp",
    "shared",
    "smb",
    "srt",
    "srtp",
    "subfile",
    "tcp",
    "tee",
    "tls",
    "udp",
    "udplite",
    "unix",
    "zmq",
    // A graph of FFmpeg's filters, whose sources may read anything.
    "lavfi",
    "libavfilter",
];

/// Properties that name a file or a URL.
const SOURCES: &[&str] =
    &["resource", "src", "luma", "uri", "url", "filename", "file", "results", "bg_img_path"];

/// The words with which the names of others end that do.
const SOURCE_ENDINGS: &[&str] = &["resource", ".luma", ".file", ".filename", ".uri", ".url", ".src"];

/// A property of MLT's services that names a file to be written.
struct Writer {
    /// The service's name, or its beginning when it ends in a dot.
    service: &'static str,
    property: &'static str,
    /// What is written where it is not given.
    default: Option<&'static str>,
    /// A property with which nothing is written.
    unless: Option<&'static str>,
}

const fn writer(service: &'static str, property: &'static str) -> Writer {
    Writer { service, property, default: None, unless: None }
}

const WRITERS: &[Writer] = &[
    Writer {
        service: "vidstab",
        property: "filename",
        default: Some("vidstab.trf"),
        unless: Some("results"),
    },
    Writer {
        service: "avfilter.vidstabdetect",
        property: "av.result",
        default: Some("transforms.trf"),
        unless: None,
    },
    writer("avfilter.metadata", "av.file"),
    writer("avfilter.ametadata", "av.file"),
    writer("avfilter.deshake", "av.filename"),
    writer("avfilter.signature", "av.filename"),
    writer("avfilter.firequalizer", "av.dumpfile"),
    writer("avfilter.asr", "av.logfn"),
    writer("avfilter.curves", "av.plot"),
    writer("avfilter.whisper", "av.destination"),
    writer("avfilter.", "av.stats_file"),
    writer("avfilter.", "av.log_path"),
];

/// Producers that carry out a script of melt's.
const SCRIPTS: &[&str] = &["melt", "melt_file"];

/// Projects inside of projects that are looked into.
const MOST_FILES: usize = 16;

/// What a graph reaches for; `folder` is where its file is.
pub fn of_graph(graph: &Graph, folder: &Path) -> Reach {
    let mut search =
        Search { reach: Reach::default(), seen: HashSet::new(), left: memreel_bounds::PROJECT_BYTES };
    search.graph(graph, folder);
    let mut known = HashSet::new();
    search.reach.writes.retain(|write| known.insert(write.clone()));
    let mut known = HashSet::new();
    search.reach.fetches.retain(|fetch| known.insert(fetch.clone()));
    search.reach
}

/// What is read when a path of a file is opened by FFmpeg, if it is not the file of that name.
pub fn fetched(path: &str) -> Option<&str> {
    // `2:http://…` of a timewarp, `avformat:http://…` of the loader.
    let of_protocol = |text: &str| {
        let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "+.-".contains(c)))?;
        let name = text[..end].split('+').next_back()?.to_ascii_lowercase();
        let is_it = text[end..].starts_with([':', ',']) && PROTOCOLS.contains(&name.as_str());
        is_it.then_some(())
    };
    let mut rest = path;
    loop {
        if of_protocol(rest).is_some() {
            return Some(rest);
        }
        let (before, after) = rest.split_once(':')?;
        if !before.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) {
            return None;
        }
        rest = after;
    }
}

/// A look at all services of a project, and of those in it.
struct Search {
    reach: Reach,
    /// Projects that were looked into.
    seen: HashSet<PathBuf>,
    /// Bytes of projects in it that are still read.
    left: u64,
}

/// Where a value is from.
struct Place<'a> {
    kind: &'a str,
    properties: &'a NamedValues,
    attributes: &'a NamedValues,
    base: &'a Path,
}

impl Place<'_> {
    fn value(&self, name: &str) -> Option<&str> {
        self.properties.get(name).or_else(|| self.attributes.get(name)).filter(|value| !value.is_empty())
    }

    fn service(&self) -> &str {
        self.value("mlt_service").unwrap_or_default()
    }

    fn by(&self) -> String {
        format!("{} {}", self.kind, self.service()).trim_end().to_string()
    }

    fn pairs(&self) -> impl Iterator<Item = &(String, String)> {
        self.properties.0.iter().chain(&self.attributes.0)
    }
}

impl Search {
    fn graph(&mut self, graph: &Graph, folder: &Path) {
        let base = folder.join(graph.attributes.get("root").unwrap_or_default());
        for part in &graph.parts {
            match part {
                Part::Other(element) => self.element(element, &base),
                Part::Service(service) => {
                    let kind = match service.body {
                        Body::Producer | Body::Chain => "producer",
                        Body::Playlist(_) => "playlist",
                        Body::Tractor(_) => "tractor",
                    };
                    let (properties, attributes) = (&service.properties, &service.attributes);
                    self.producer(&Place { kind, properties, attributes, base: &base });
                    service.filters.iter().for_each(|filter| self.effect("filter", filter, &base));
                    service.others.iter().for_each(|element| self.element(element, &base));
                    self.body(&service.body, &base);
                }
            }
        }
    }

    fn body(&mut self, body: &Body, base: &Path) {
        match body {
            Body::Producer | Body::Chain => {}
            Body::Playlist(items) => items.iter().filter_map(PlaylistItem::entry).for_each(|entry| {
                entry.filters.iter().for_each(|filter| self.effect("filter", filter, base));
                entry.others.iter().for_each(|element| self.element(element, base));
            }),
            Body::Tractor(tractor) => {
                tractor.planted.iter().for_each(|planted| match planted {
                    Planted::Filter(filter) => self.effect("filter", filter, base),
                    Planted::Transition(transition) => self.effect("transition", transition, base),
                });
                let others = tractor.tracks.iter().flat_map(|track| &track.others);
                others.for_each(|element| self.element(element, base));
            }
        }
    }

    fn effect(&mut self, kind: &str, effect: &Effect, base: &Path) {
        let (properties, attributes) = (&effect.properties, &effect.attributes);
        self.place(&Place { kind, properties, attributes, base });
        effect.others.iter().for_each(|element| self.element(element, base));
    }

    /// A link, a consumer, a filter where the model does not look for one.
    fn element(&mut self, element: &Element, base: &Path) {
        let named = |child: &Element| Some((child.attributes.get("name")?.to_string(), child.text.clone()));
        let is_property = |child: &&Element| child.name == "property";
        let properties = NamedValues(element.children.iter().filter(is_property).filter_map(named).collect());
        let kind = element.name.as_str();
        let place = Place { kind, properties: &properties, attributes: &element.attributes, base };
        match kind {
            "consumer" => self.consumer(&place),
            _ => self.place(&place),
        }
        element
            .children
            .iter()
            .filter(|child| child.name != "property")
            .for_each(|child| self.element(child, base));
    }

    fn consumer(&mut self, place: &Place) {
        for property in ["target", "resource", "passlogfile"] {
            let Some(file) = place.value(property) else { continue };
            self.write(place, property, place.base.join(file), false);
        }
    }

    fn producer(&mut self, place: &Place) {
        self.place(place);
        let Some(resource) = place.value("resource") else { return };
        let (service, file) = match (place.service(), resource.split_once(':')) {
            ("", Some((service, rest))) if SCRIPTS.contains(&service) || service.starts_with("xml") => {
                (service, rest)
            }
            ("", _) if resource.ends_with(".melt") => ("melt_file", resource),
            (service, _) => (service, resource),
        };
        let is_project = [".mlt", ".kdenlive", ".westley"].iter().any(|ending| file.ends_with(ending));
        match service {
            "melt" | "melt_file" => self.write(place, "resource", "/".into(), true),
            "xml-string" => self.text(place, file, place.base),
            "xml" | "xml-nogl" => self.file(place, &place.base.join(file)),
            _ if is_project => {
                let path = file.rsplit_once(':').map_or(file, |(_, path)| path);
                self.file(place, &place.base.join(path));
            }
            _ => {}
        }
    }

    /// A project inside of the project: one that is there and cannot be looked into may write anything.
    fn file(&mut self, place: &Place, path: &Path) {
        if !path.exists() || !self.seen.insert(path.to_path_buf()) {
            return;
        }
        let text = match self.seen.len() > MOST_FILES {
            true => None,
            false => memreel_bounds::read_text(path, self.left).ok(),
        };
        self.left -= text.as_ref().map_or(0, |text| text.len() as u64);
        self.text(place, text.as_deref().unwrap_or_default(), path.parent().unwrap_or(path));
    }

    fn text(&mut self, place: &Place, text: &str, folder: &Path) {
        match from_mlt_xml(text) {
            Ok(graph) => self.graph(&graph, folder),
            Err(_) => self.write(place, "resource", "/".into(), true),
        }
    }

    /// What one service reads and writes.
    fn place(&mut self, place: &Place) {
        for (name, value) in place.pairs() {
            let names_a_source = SOURCES.contains(&name.as_str())
                || SOURCE_ENDINGS.iter().any(|ending| name.ends_with(ending)) && !name.contains("kdenlive:");
            if let Some(url) = fetched(value).filter(|_| names_a_source) {
                let (by, property) = (place.by(), name.clone());
                self.reach.fetches.push(ProjectFetch { by, property, url: url.into() });
            }
        }
        for writer in WRITERS.iter().filter(|writer| writer.is(place.service())) {
            let is_reading = writer.unless.is_some_and(|property| place.value(property).is_some());
            let given = place.value(writer.property).map(|file| place.base.join(file));
            let file = given.or_else(|| std::path::absolute(writer.default?).ok());
            if let Some(file) = file.filter(|_| !is_reading) {
                self.write(place, writer.property, file, true);
            }
        }
        self.sox(place);
    }

    /// A noise profile of sox: `noiseprof FILE` among the words of an effect.
    fn sox(&mut self, place: &Place) {
        if !place.service().starts_with("sox") {
            return;
        }
        let words = |value: &str| value.split_whitespace().map(str::to_string).collect::<Vec<_>>();
        for (name, value) in place.pairs().filter(|(_, value)| value.contains("noiseprof")) {
            let file = words(value).into_iter().skip_while(|word| word != "noiseprof").nth(1);
            self.write(place, name, place.base.join(file.unwrap_or_default()), true);
        }
    }

    fn write(&mut self, place: &Place, property: &str, file: PathBuf, in_an_export: bool) {
        let (by, property) = (place.by(), property.to_string());
        self.reach.writes.push(ProjectWrite { by, property, file, in_an_export });
    }
}

impl Writer {
    fn is(&self, service: &str) -> bool {
        match self.service.ends_with('.') {
            true => service.starts_with(self.service),
            false => service == self.service,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(inside: &str) -> Reach {
        let text = format!(
            "<mlt><producer id=\"p\"><property name=\"resource\">/m/a.mp4</property>{inside}</producer></mlt>"
        );
        of_graph(&from_mlt_xml(&text).unwrap(), Path::new("/project"))
    }

    fn filter(pairs: &[(&str, &str)]) -> Reach {
        let property = |(name, value): &(&str, &str)| format!("<property name=\"{name}\">{value}</property>");
        reach(&format!("<filter>{}</filter>", pairs.iter().map(property).collect::<String>()))
    }

    #[test]
    fn what_ffmpeg_opens_by_a_protocol_is_told_from_a_file() {
        for url in [
            "http://x/a.mp4",
            "avformat:https://x",
            "2:rtmp://x",
            "concat:a|b",
            "subfile,,start,0,end,9,,:/etc/passwd",
            "crypto+http://x",
            "avformat-novalidate:pipe:0",
            "lavfi:movie=a",
            "HTTP://x",
            "crypto:/a",
        ] {
            assert!(fetched(url).is_some(), "{url}");
        }
        for file in [
            "/m/a.mp4",
            "a:b.mp4",
            "file:/m/a.mp4",
            "color:red",
            "2:/m/http:/x",
            "./http:x",
            "C:/x",
            "data:,x",
        ] {
            assert_eq!(fetched(file), None, "{file}");
        }
    }

    #[test]
    fn a_filter_that_writes_is_named_with_its_file() {
        let told = filter(&[("mlt_service", "vidstab"), ("filename", "out.trf")]).writes;
        assert_eq!(
            (told[0].by.as_str(), told[0].file.as_path()),
            ("filter vidstab", Path::new("/project/out.trf"))
        );
        assert_eq!(filter(&[("mlt_service", "vidstab"), ("results", "in.trf")]).writes, []);
        assert!(filter(&[("mlt_service", "vidstab")]).writes[0].file.ends_with("vidstab.trf"));
        let told = filter(&[("mlt_service", "avfilter.metadata"), ("av.file", "/x")]).writes;
        assert_eq!(told[0].file, Path::new("/x"));
        assert_eq!(filter(&[("mlt_service", "avfilter.lut3d"), ("av.file", "/x")]), Reach::default());
    }

    #[test]
    fn a_source_of_a_filter_or_a_transition_is_fetched_too() {
        let told = filter(&[("mlt_service", "watermark"), ("resource", "https://x/logo.png")]).fetches;
        assert_eq!((told[0].by.as_str(), told[0].url.as_str()), ("filter watermark", "https://x/logo.png"));
        assert_eq!(filter(&[("mlt_service", "text"), ("argument", "http://x")]), Reach::default());
    }

    #[test]
    fn a_project_in_a_project_is_looked_into_once() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner.mlt");
        let text = "<mlt><producer id=\"p\"><property name=\"resource\">inner.mlt</property></producer>\
            <producer id=\"q\"><property name=\"resource\">http://x</property></producer></mlt>";
        std::fs::write(&inner, text).unwrap();
        let outer = "<mlt><producer id=\"p\"><property name=\"mlt_service\">consumer</property>\
            <property name=\"resource\">inner.mlt</property></producer></mlt>";
        let told = of_graph(&from_mlt_xml(outer).unwrap(), folder.path());
        assert_eq!(told.fetches.iter().map(|fetch| fetch.url.as_str()).collect::<Vec<_>>(), ["http://x"]);
    }

    #[test]
    fn a_script_of_melt_may_write_anything_and_a_consumer_writes_only_alone() {
        let script = "<mlt><producer id=\"p\"><property name=\"resource\">a.melt</property></producer></mlt>";
        assert_eq!(of_graph(&from_mlt_xml(script).unwrap(), Path::new("/x")).writes[0].file, Path::new("/"));
        let text = "<mlt><consumer mlt_service=\"avformat\" target=\"a.mp4\"/><producer id=\"p\"/></mlt>";
        let told = of_graph(&from_mlt_xml(text).unwrap(), Path::new("/x")).writes;
        assert_eq!((told[0].file.as_path(), told[0].in_an_export), (Path::new("/x/a.mp4"), false));
    }
}
