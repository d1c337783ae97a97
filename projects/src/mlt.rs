//! MLT graphs: a timeline as one, in several layouts, and those of other applications.
//!
//! [`Graph`] is what MLT XML says (docs/mlt-xml.txt in MLT's sources): [`from_mlt_xml`] reads it,
//! [`write()`] writes it. [`graph_of`] makes one of a timeline, in a [`Layout`]; [`flatten`] and [`lay_out`]
//! give one that is there already another layout which shows and sounds the same.

pub mod edit;
mod flatten;
pub mod graph;
mod lanes;
mod layout;
mod lift;
mod played;
mod points;
mod read;
mod write;

pub use edit::Removal;
pub use flatten::{Changes, flatten, lay_out, too_many_sections};
pub use graph::Graph;
pub use layout::{Layout, graph_of, rounded_in_points, to_mlt_xml};
pub use read::{MltError, from_mlt_xml};
pub use write::write;

use memreel_timeline::Rate;

/// The pictures that MLT composes before the encoder sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Pictures a second.
    pub rate: Rate,
}

impl Profile {
    /// BT.709 from 720 lines on, BT.601 below: what sources of these sizes are taken to be when they
    /// do not say.
    fn colorspace(self) -> &'static str {
        if self.height >= 720 { "709" } else { "601" }
    }

    /// The attributes of a `profile` element: square pixels, no fields.
    fn attributes(self) -> graph::NamedValues {
        let Profile { width, height, rate } = self;
        let number = |number: u32| number.to_string();
        graph::NamedValues::from([
            ("description", "memreel"),
            ("width", &number(width)),
            ("height", &number(height)),
            ("progressive", "1"),
            ("sample_aspect_num", "1"),
            ("sample_aspect_den", "1"),
            ("display_aspect_num", &number(width)),
            ("display_aspect_den", &number(height)),
            ("frame_rate_num", &number(rate.numerator())),
            ("frame_rate_den", &number(rate.denominator())),
            ("colorspace", self.colorspace()),
        ])
    }
}

#[cfg(test)]
mod tests;
