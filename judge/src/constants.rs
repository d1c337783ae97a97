//! The numbers that judging goes by, in one table.
//!
//! Each has its source in `docs/constants.md`; a test holds that page equal to this table.
//! `cargo bench -p memreel-judge --bench constants` halves and doubles each, and says which verdicts on labelled recordings
//! change. Where none does, the comment of the constant says why it is there all the same.

/// Declares the constants once: as fields, as their usual values, and by name.
macro_rules! constants {
    ($($(#[doc = $doc:literal])+ $name:ident = $value:expr;)+) => {
        /// The numbers that judging goes by; [`Constants::USUAL`] are those that verdicts are given by.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Constants {
            $($(#[doc = $doc])+ pub $name: f64,)+
        }

        impl Constants {
            /// The values that verdicts are given by.
            pub const USUAL: Constants = Constants { $($name: $value,)+ };

            /// The names, in the order of the table.
            pub const NAMES: &[&str] = &[$(stringify!($name),)+];

            /// The constant with a name; `None` where there is none.
            pub fn get_mut(&mut self, name: &str) -> Option<&mut f64> {
                match name {
                    $(stringify!($name) => Some(&mut self.$name),)+
                    _ => None,
                }
            }
        }
    };
}

constants! {
    /// Where the judged part begins, as a share of the work: most of the warm-up is over.
    judged_from = 0.25;
    /// Where it ends: the envelope still knows some future, and the teardown is beyond. From here on the highest fall of
    /// all is the end of the export already.
    judged_to = 0.95;
    /// The share of the work after which the encoder is flushed and everything is closed.
    before_teardown = 0.98;
    /// A fall that lasts no longer than this share of the work is passed over.
    short_fall = 0.01;
    /// Frames (where they are not counted, hundredths of a second) of the judged part that a warm-up of 250 frames
    /// of look-ahead cannot fill; as many in a queue are no look-ahead.
    least_frames = 479.0;
    /// Things known – samples, or changes of the counter where those are rarer – of the judged part: two a block.
    least_known = 24.0;
    /// Bytes that an index of all packets takes for each, with the copies of its growing array.
    index_bytes = 178.0;
    /// The same of an index of keyframes (Matroska).
    cue_bytes = 89.0;
    /// Frames per second that are assumed where they were not counted and an index is written. The frames of all labelled
    /// recordings were counted; exports of small pictures are as fast, and their index would be called growth.
    assumed_rate = 1000.0;
    /// Bytes of a leak that fill holes of the heap before any of it shows, and one uncompressed frame at least; of each
    /// source that is opened, too.
    hidden = 524_288.0;
    /// The largest share of the level that holes of sources take. It decides no verdict, but what a level run may hide: at
    /// half of it two leaks are called level that are above their limit.
    holes = 0.1;
    /// Bytes that the heap of a thread takes whenever it is full: as much a healthy export may gain over its length.
    heap = 135_168.0;
    /// Threads that may have heaps where they were not counted. In all labelled recordings they were: 12 at most in most
    /// exports by melt or ffmpeg, 26 in others by melt.
    uncounted_threads = 16.0;
    /// Bytes below which even steady growth is not called so.
    least_gain = 262_144.0;
    /// Growth is even where the median absolute deviation of its blocks is no larger a share of their median.
    even = 0.5;
    /// Thresholds of a yes are asked of a no at this share: a few samples more must not turn one into the other.
    nearly = 0.85;
    /// Half of the finest cells must grow.
    growing_cells = 0.5;
    /// Sizes and distances that scatter by less than this share of their mean are alike; smaller shares of a whole
    /// are not looked at.
    alike = 0.3;
    /// Growth of less than this share of the usual is flat beside it.
    flat = 0.1;
    /// What is flat for so many times as long as ever before has stopped.
    stopped = 1.5;
    /// What goes on has this share of the usual growth in its last part.
    goes_on = 0.4;
    /// Single rises that are told as such and not as growth; more of one size at one distance are growth.
    single_rises = 3.0;
    /// Bytes that a fall has to have to be told.
    least_fall = 2_097_152.0;
    /// The share of the time before the first frame from which on memory was filled by then.
    filled_before = 0.4;
    /// Bytes that an interpreter and its libraries take by themselves. Labelled recordings take either half as much or
    /// twice as much before the first frame; without it those of Python are left open.
    program = 134_217_728.0;
    /// Phases of a stretch from cut to cut.
    phases = 10.0;
    /// The share gained at cuts from which on it is gained there, and below one less it is gained with frames.
    parted = 0.666_666_666_666_666_6;
    /// Bytes that a heap keeps by chance of an event: a source, a cut, an export.
    by_chance = 65_536.0;
}

impl Constants {
    /// Frames of an export of which enough are judged.
    pub fn enough_frames(&self) -> f64 {
        self.least_frames / (self.judged_to - self.judged_from)
    }
}
