//! memreel-export: an OpenTimelineIO timeline in, a media file out, on FFmpeg's libraries.
//!
//! [`plan`] works out what every output frame shows and sounds. [`decode`] reads one stream of one
//! file; [`pictures`] and [`sound`] find in it what stands at a time; [`compose`] and [`mix`] make the
//! output's frames of them, with [`convert`] and [`resample`] where sizes, formats and rates differ.
//! [`mod@write`] encodes them ([`encode`]) into a container ([`mux`]), and [`export`] drives it all, in as
//! many threads as were asked for, telling a watcher how far it is ([`progress`]).
//!
//! [`fault`] has an export misbehave on demand, for tests of those who look for leaks.
//!
//! Beside the export stand [`media`], which makes sources whose every frame carries its number
//! ([`barcode`]), [`frames`], which reads those numbers back, and [`about`].

pub mod about;
pub mod barcode;
pub mod cli;
pub mod clock;
pub mod compose;
pub mod convert;
pub mod decode;
pub mod encode;
pub mod export;
pub mod failure;
pub mod fault;
pub mod frames;
pub mod libav;
pub mod media;
pub mod mix;
pub mod mux;
pub mod pictures;
pub mod plan;
pub mod progress;
pub mod resample;
pub mod sound;
pub mod write;
