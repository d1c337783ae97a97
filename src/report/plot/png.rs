//! A scene as PNG.

use std::io::Write;
use std::ops::RangeInclusive;

use plotters::backend::{BitMapBackend, RGBPixel};
use plotters::style::{Color, RGBAColor};
use plotters_backend::{BackendTextStyle, DrawingBackend, DrawingErrorKind};

use crate::report::plot::scene::{Font, HEIGHT, LabelSide, Place, Scene, SceneShape, UNITS_A_PIXEL, WIDTH};

type Bitmap<'a> = BitMapBackend<'a, RGBPixel>;
type Drawn = Result<(), DrawingErrorKind<<Bitmap<'static> as DrawingBackend>::ErrorType>>;

/// Bytes a unit or pixel: red, green, blue.
const CHANNELS: usize = 3;

/// Bytes of units that are compared to a blank at once: those of eight pixels.
const SPAN: usize = 8 * UNITS_A_PIXEL as usize * CHANNELS;

/// Writes the scene as a PNG.
///
/// It is painted a pixel for each unit, and each pixel of the picture is the mean of the units it
/// covers: the library's own thick lines and areas have jagged edges.
///
/// # Errors
/// What the drawing library or the encoder said.
pub fn write(scene: &Scene, out: &mut dyn Write) -> Result<(), String> {
    let mut units = vec![u8::MAX; (WIDTH * HEIGHT) as usize * CHANNELS];
    let size = (WIDTH.unsigned_abs(), HEIGHT.unsigned_abs());
    let mut bitmap = Bitmap::with_buffer_and_format(&mut units, size).map_err(|error| error.to_string())?;
    scene.shapes.iter().try_for_each(|shape| paint(&mut bitmap, shape)).map_err(|error| error.to_string())?;
    drop(bitmap);
    encode(&to_pixels(&units), out).map_err(|error| error.to_string())
}

fn paint(bitmap: &mut Bitmap<'_>, shape: &SceneShape) -> Drawn {
    match shape {
        SceneShape::Line { places, width, colour } => paint_line(bitmap, places, *width, *colour),
        SceneShape::Band { columns, colour } => paint_band(bitmap, columns, *colour),
        SceneShape::Area { corners, colour } => {
            bitmap.fill_polygon(corners.iter().copied(), &colour.to_rgba())
        }
        SceneShape::Words { at, text, font, side } => paint_words(bitmap, *at, text, *font, *side),
    }
}

/// Piece by piece, each with round ends: the library's outline of a whole thick line tears where the
/// line turns sharply, and a memory curve turns sharply at every spike.
fn paint_line(bitmap: &mut Bitmap<'_>, places: &[Place], width: u32, colour: RGBAColor) -> Drawn {
    places.windows(2).try_for_each(|ends| paint_piece(bitmap, Piece::new(ends[0], ends[1], width), colour))
}

fn paint_piece(bitmap: &mut Bitmap<'_>, piece: Piece, colour: RGBAColor) -> Drawn {
    for x in piece.across() {
        for y in piece.down_at(x) {
            let covered = piece.covers((x, y));
            if covered > 0.0 {
                bitmap.draw_pixel((x, y), colour.mix(covered).to_backend_color())?;
            }
        }
    }
    Ok(())
}

/// A straight line with round ends.
struct Piece {
    from: (f64, f64),
    to: (f64, f64),
    half: f64,
}

impl Piece {
    fn new(from: Place, to: Place, width: u32) -> Piece {
        let exact = |place: Place| (f64::from(place.0), f64::from(place.1));
        Piece { from: exact(from.min(to)), to: exact(from.max(to)), half: f64::from(width) / 2.0 }
    }

    /// The columns of units that it may touch.
    fn across(&self) -> RangeInclusive<i32> {
        let reach = self.half + 1.0;
        (self.from.0 - reach) as i32..=(self.to.0 + reach) as i32
    }

    /// The units of a column that it may touch.
    fn down_at(&self, x: i32) -> RangeInclusive<i32> {
        let reach = self.half + 1.0;
        let (dx, dy) = (self.to.0 - self.from.0, self.to.1 - self.from.1);
        let at = |x: f64| {
            if dx > 0.0 { self.from.1 + dy * ((x - self.from.0) / dx).clamp(0.0, 1.0) } else { self.to.1 }
        };
        let (before, after) = (at(f64::from(x) - reach), at(f64::from(x) + reach));
        let (top, bottom) = if dx > 0.0 {
            (before.min(after), before.max(after))
        } else {
            (self.from.1.min(self.to.1), self.from.1.max(self.to.1))
        };
        (top - reach) as i32..=(bottom + reach) as i32
    }

    /// How much of a unit it covers, from its distance to the middle of the line.
    fn covers(&self, (x, y): Place) -> f64 {
        let (dx, dy) = (self.to.0 - self.from.0, self.to.1 - self.from.1);
        let (px, py) = (f64::from(x) - self.from.0, f64::from(y) - self.from.1);
        let length = dx * dx + dy * dy;
        let along = if length > 0.0 { ((px * dx + py * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
        (self.half + 0.5 - (px - along * dx).hypot(py - along * dy)).clamp(0.0, 1.0)
    }
}

fn paint_band(bitmap: &mut Bitmap<'_>, columns: &[(i32, i32, i32)], colour: RGBAColor) -> Drawn {
    for pair in columns.windows(2) {
        let ((x0, top0, bottom0), (x1, top1, bottom1)) = (pair[0], pair[1]);
        for x in x0..x1 {
            let between = |from: i32, to: i32| from + (to - from) * (x - x0) / (x1 - x0);
            for y in between(top0, top1)..=between(bottom0, bottom1) {
                bitmap.draw_pixel((x, y), colour.to_backend_color())?;
            }
        }
    }
    Ok(())
}

/// Puts words where an SVG viewer puts them: the library's bitmaps have them higher.
fn paint_words(bitmap: &mut Bitmap<'_>, at: Place, text: &str, font: Font, side: LabelSide) -> Drawn {
    let style = font.painted_style();
    let width = font.width_of(text);
    let left = match side {
        LabelSide::Left => at.0,
        LabelSide::Middle => at.0 - width / 2,
        LabelSide::Right => at.0 - width,
    };
    // The baseline is half the size below the place that glyphs are drawn at, and is to lie half the
    // height of an x below the middle of the words: 0.27 em.
    let baseline = at.1 + (f64::from(font.size) * 0.27 / 1.24) as i32;
    let top = baseline - (font.painted_size() / 2.0) as i32;
    let within = |x: i32, y: i32| (0..WIDTH).contains(&x) && (0..HEIGHT).contains(&y);
    let painted =
        style.draw(
            text,
            (left, top),
            |x, y, colour| {
                if within(x, y) { bitmap.draw_pixel((x, y), colour) } else { Ok(()) }
            },
        );
    painted.unwrap_or_else(|error| Err(DrawingErrorKind::FontError(Box::new(error))))
}

/// The mean of the units that each pixel covers.
fn to_pixels(units: &[u8]) -> Vec<u8> {
    let (row, step) = (WIDTH as usize * CHANNELS, UNITS_A_PIXEL as usize);
    let mut pixels = vec![u8::MAX; units.len() / (step * step)];
    for (rows, line) in units.chunks_exact(row * step).zip(pixels.chunks_exact_mut(row / step)) {
        for (number, span) in line.chunks_exact_mut(SPAN / step).enumerate() {
            let above = |down: usize| &rows[down * row + number * SPAN..][..SPAN];
            // Most of a picture is blank.
            if (0..step).any(|down| *above(down) != [u8::MAX; SPAN]) {
                mean(above, span);
            }
        }
    }
    pixels
}

/// Sets each byte of a span of pixels to the mean of those that it covers in each of the rows of units.
fn mean<'a>(row: impl Fn(usize) -> &'a [u8], pixels: &mut [u8]) {
    let step = UNITS_A_PIXEL as usize;
    for (number, byte) in pixels.iter_mut().enumerate() {
        let first = number / CHANNELS * step * CHANNELS + number % CHANNELS;
        let mut sum = 0;
        for down in 0..step {
            let units = row(down);
            for across in 0..step {
                sum += u32::from(units[first + across * CHANNELS]);
            }
        }
        let count = (step * step) as u32;
        *byte = ((sum + count / 2) / count) as u8;
    }
}

fn encode(pixels: &[u8], out: &mut dyn Write) -> Result<(), png::EncodingError> {
    let (width, height) = (WIDTH / UNITS_A_PIXEL, HEIGHT / UNITS_A_PIXEL);
    let mut encoder = png::Encoder::new(out, width.unsigned_abs(), height.unsigned_abs());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_is_the_mean_of_its_four_units_wherever_it_is() {
        let row = WIDTH as usize * CHANNELS;
        let mut units = vec![u8::MAX; row * HEIGHT as usize];
        // One unit in the corner, two one above the other in the last column, all four at the bottom.
        units[..3].copy_from_slice(&[0, 100, 255]);
        let last = row - CHANNELS;
        units[4 * row + last] = 1;
        units[5 * row + last] = 3;
        let bottom = units.len() - row / 2;
        for at in [bottom - row, bottom] {
            units[at..at + 6].copy_from_slice(&[10, 20, 30, 10, 20, 33]);
        }
        let pixels = to_pixels(&units);
        let mut wanted = vec![u8::MAX; units.len() / 4];
        wanted[..3].copy_from_slice(&[191, 216, 255]);
        wanted[3 * row / 2 - CHANNELS] = 129;
        let bottom = wanted.len() - row / 4;
        wanted[bottom..bottom + 3].copy_from_slice(&[10, 20, 32]);
        assert!(pixels == wanted);
    }
}
