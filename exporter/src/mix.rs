//! The sound of every output frame: all audio tracks' clips, summed.

use std::collections::HashMap;
use std::path::PathBuf;

use memreel_timeline::Rate;

use crate::clock;
use crate::failure::Failure;
use crate::plan::{self, Shot};
use crate::sound::{CHANNELS, SoundReader};

/// Mixes the sound of a timeline, in order.
pub struct Mixer {
    tracks: Vec<Track>,
    rate: Rate,
    sample_rate: u32,
    threads: u32,
}

/// A track with its own readers, so that two tracks may play one file at different places.
struct Track {
    shots: Vec<Shot>,
    over: usize,
    last_use: HashMap<PathBuf, u64>,
    /// Opened sources; `None` for a file without sound.
    readers: HashMap<PathBuf, Option<SoundReader>>,
}

impl Mixer {
    /// Mixes tracks of shots to `sample_rate` samples a second. `threads` are each decoder's, 0 lets
    /// it choose.
    pub fn new(tracks: Vec<Vec<Shot>>, rate: Rate, sample_rate: u32, threads: u32) -> Mixer {
        let tracks = tracks.into_iter().map(Track::new).collect();
        Mixer { tracks, rate, sample_rate, threads }
    }

    /// The sound of an output frame, as interleaved stereo between -1 and 1; frames must be asked
    /// for in rising order.
    ///
    /// # Errors
    /// When a clip's media cannot be read.
    pub fn sound(&mut self, frame: u64) -> Result<Vec<f32>, Failure> {
        let before = |frame| clock::samples_before(frame, self.rate, self.sample_rate);
        let mut mix = vec![0.0; (before(frame + 1) - before(frame)) as usize * CHANNELS];
        for track in &mut self.tracks {
            track.add_to(&mut mix, frame, self.rate, self.sample_rate, self.threads)?;
        }
        for sample in &mut mix {
            *sample = sample.clamp(-1.0, 1.0);
        }
        Ok(mix)
    }
}

impl Track {
    fn new(shots: Vec<Shot>) -> Track {
        Track { last_use: plan::last_uses(&shots), shots, over: 0, readers: HashMap::new() }
    }

    fn add_to(
        &mut self,
        mix: &mut [f32],
        frame: u64,
        rate: Rate,
        sample_rate: u32,
        threads: u32,
    ) -> Result<(), Failure> {
        while self.shots.get(self.over).is_some_and(|shot| shot.frames.end <= frame) {
            self.over += 1;
        }
        let Some(shot) = self.shots.get(self.over).filter(|shot| shot.frames.start <= frame) else {
            return Ok(());
        };
        let failed = |failure: Failure| failure.in_clip(&shot.clip);
        if !self.readers.contains_key(&shot.media) {
            let reader = SoundReader::open(&shot.media, sample_rate, threads).map_err(failed)?;
            self.readers.insert(shot.media.clone(), reader);
        }
        if let Some(Some(reader)) = self.readers.get_mut(&shot.media) {
            reader.add_to(mix, shot.source_sample(frame, rate, sample_rate)).map_err(failed)?;
        }
        if self.last_use.get(&shot.media) == Some(&frame) {
            self.readers.remove(&shot.media);
        }
        Ok(())
    }
}
