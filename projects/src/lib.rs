//! Projects of video editors: MLT XML – as `melt`, Kdenlive, Shotcut and Flowblade write it – and the editor
//! rlvideo's.
//!
//! - [`project`] describes a project: what it plays, for how long, and which files it needs.
//! - [`mlt`] reads, writes, flattens and lays out MLT graphs, and makes one of a [timeline](memreel_timeline).
//! - [`rlvideo`] reads and writes that editor's files.
//!
//! Nothing is rendered and no engine is asked: everything is read from the text.
//!
//! ```
//! let text = r#"<mlt>
//!   <profile width="320" height="180" frame_rate_num="25" frame_rate_den="1"/>
//!   <producer id="red"><property name="mlt_service">color</property></producer>
//!   <playlist id="main"><entry producer="red" in="0" out="199"/></playlist>
//! </mlt>"#;
//! let graph = memreel_projects::mlt::from_mlt_xml(text).unwrap();
//! assert_eq!(graph.profile().map(|profile| profile.width), Some(320));
//! ```

#![forbid(unsafe_code)]

pub mod mlt;
pub mod project;
pub mod rlvideo;
