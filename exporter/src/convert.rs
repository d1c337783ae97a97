//! Pictures of one look made into another by libavfilter.

use ffmpeg::{ffi, filter, frame};
use ffmpeg_next as ffmpeg;

use crate::failure::Failure;
use crate::libav;
use crate::pictures::Look;

/// A filter graph that scales and converts pictures of one look. Colors keep their matrix.
pub struct Converter {
    graph: filter::Graph,
    from: Look,
    to: Look,
}

impl Converter {
    /// Builds the graph. `threads` 0 lets libavfilter choose.
    ///
    /// # Errors
    /// When libavfilter cannot make the one look of the other.
    pub fn new(from: Look, to: Look, threads: u32) -> Result<Converter, Failure> {
        let mut graph = new_graph(threads);
        let chain = [
            ("buffer", "in", source_arguments(&from)),
            ("scale", "scale", scale_arguments(&from, &to)),
            ("format", "format", format!("pix_fmts={}", libav::pixel_name(to.format))),
            ("buffersink", "out", String::new()),
        ];
        link(&mut graph, &chain).map_err(|cause| failure(&from, &to, cause))?;
        Ok(Converter { graph, from, to })
    }

    /// Whether this graph makes the one look of the other.
    pub fn fits(&self, from: Look, to: Look) -> bool {
        self.from == from && self.to == to
    }

    /// The picture in the other look.
    ///
    /// # Errors
    /// When the graph fails, for want of memory as a rule.
    pub fn convert(&mut self, picture: frame::Video) -> Result<frame::Video, Failure> {
        let mut converted = frame::Video::empty();
        self.push(&picture)
            .and_then(|()| end(&mut self.graph, "out").sink().frame(&mut converted))
            .map_err(|cause| failure(&self.from, &self.to, cause))?;
        Ok(converted)
    }

    fn push(&mut self, picture: &frame::Video) -> Result<(), ffmpeg::Error> {
        end(&mut self.graph, "in").source().add(picture)
    }
}

/// An empty graph with its threads set: each filter reads their number when it is added.
pub fn new_graph(threads: u32) -> filter::Graph {
    let mut graph = filter::Graph::new();
    // SAFETY: the graph was allocated just above; a number set before the first filter is added.
    unsafe { (*graph.as_mut_ptr()).nb_threads = threads as i32 };
    graph
}

/// Adds filters, each with its name and arguments, links them in a row and readies the graph.
pub fn link(graph: &mut filter::Graph, chain: &[(&str, &str, String)]) -> Result<(), ffmpeg::Error> {
    let mut last: Option<filter::Context> = None;
    for (kind, name, arguments) in chain {
        let filter = filter::find(kind).ok_or(ffmpeg::Error::FilterNotFound)?;
        let mut added = graph.add(&filter, name, arguments)?;
        if let Some(last) = &mut last {
            last.link(0, &mut added, 0);
        }
        last = Some(added);
    }
    graph.validate()
}

/// One of the graph's ends.
pub fn end(graph: &mut filter::Graph, name: &str) -> filter::Context {
    graph.get(name).expect("the graph was built with this end")
}

fn source_arguments(from: &Look) -> String {
    let (width, height, format) = (from.width, from.height, libav::pixel_name(from.format));
    let base = format!("video_size={width}x{height}:pix_fmt={format}:time_base=1/25:pixel_aspect=1/1");
    if source_takes("range") { format!("{base}:range={}", range(from)) } else { base }
}

/// From FFmpeg 7 on the source must be told what earlier ones read from each frame.
fn source_takes(option: &str) -> bool {
    let (Some(buffer), Ok(name)) = (filter::find("buffer"), libav::text(option)) else { return false };
    // SAFETY: a filter found by name is static; the address of its class pointer is what
    // AV_OPT_SEARCH_FAKE_OBJ asks for.
    let found = unsafe {
        let class = &raw const (*buffer.as_ptr()).priv_class;
        ffi::av_opt_find(class as *mut _, name.as_ptr(), std::ptr::null(), 0, ffi::AV_OPT_SEARCH_FAKE_OBJ)
    };
    !found.is_null()
}

fn scale_arguments(from: &Look, to: &Look) -> String {
    let (width, height) = (to.width, to.height);
    format!("w={width}:h={height}:flags=bicubic:in_range={}:out_range={}", range(from), range(to))
}

fn range(look: &Look) -> &'static str {
    if look.full_range { "pc" } else { "tv" }
}

fn failure(from: &Look, to: &Look, cause: ffmpeg::Error) -> Failure {
    let name = |look: &Look| format!("{}x{} {}", look.width, look.height, libav::pixel_name(look.format));
    Failure::Filter { what: format!("convert pictures of {} to {}", name(from), name(to)), cause }
}
