//! Rendered frames into the output: both encoders and the container.

use ffmpeg::frame;
use ffmpeg_next as ffmpeg;

use crate::encode::{PictureCodec, PictureEncoder, Pictures, SoundCodec, SoundEncoder};
use crate::failure::Failure;
use crate::mux::{Container, MuxTarget};
use crate::progress::Progress;

/// One frame of the output, as it is to be encoded.
pub struct Rendered {
    /// Its picture, with the frame's number as timestamp.
    pub picture: frame::Video,
    /// Its sound, interleaved stereo; empty where the output has none.
    pub sound: Vec<f32>,
}

/// What the output is to be made of.
#[derive(Debug, Clone)]
pub struct Encoding {
    /// Where to.
    pub target: MuxTarget,
    /// Which container, where the output's ending does not say.
    pub format: Option<String>,
    /// How pictures are encoded.
    pub pictures: PictureCodec,
    /// How sound is encoded; `None` for an output without.
    pub sound: Option<SoundCodec>,
}

/// Writes rendered frames.
pub struct FrameWriter<'a> {
    container: Container,
    pictures: PictureEncoder<'a>,
    sound: Option<SoundEncoder>,
}

impl<'a> FrameWriter<'a> {
    /// Opens the encoders, then creates the file: what cannot be encoded leaves none behind.
    ///
    /// # Errors
    /// When an encoder or the container refuses, or the file cannot be created.
    pub fn new(
        recipe: &Encoding,
        pictures: &Pictures,
        progress: &'a Progress,
    ) -> Result<FrameWriter<'a>, Failure> {
        let mut container = Container::new(&recipe.target, recipe.format.as_deref())?;
        let pictures = PictureEncoder::open(&recipe.pictures, pictures, &mut container, progress)?;
        let sound =
            recipe.sound.as_ref().map(|codec| SoundEncoder::open(codec, &mut container)).transpose()?;
        container.begin()?;
        Ok(FrameWriter { container, pictures, sound })
    }

    /// Encodes a frame and writes the packets that come out.
    ///
    /// # Errors
    /// When an encoder or the file fails.
    pub fn write(&mut self, frame: Rendered) -> Result<(), Failure> {
        self.pictures.encode(&frame.picture, &mut self.container)?;
        match &mut self.sound {
            Some(sound) => sound.encode(&frame.sound, &mut self.container),
            None => Ok(()),
        }
    }

    /// Writes what the encoders still hold and completes the file.
    ///
    /// # Errors
    /// When an encoder or the file fails; the file is removed then.
    pub fn finish(mut self) -> Result<(), Failure> {
        self.pictures.finish(&mut self.container)?;
        if let Some(sound) = &mut self.sound {
            sound.finish(&mut self.container)?;
        }
        self.container.finish()
    }
}
