//! A scene as PNG.

use std::io::Write;

use plotters::backend::{BitMapBackend, RGBPixel};
use plotters::style::{Color, RGBAColor, ShapeStyle};
use plotters_backend::{BackendTextStyle, DrawingBackend, DrawingErrorKind};

use crate::report::plot::scene::{Font, HEIGHT, Place, Scene, Shape, Side, UNITS_A_PIXEL, WIDTH};

type Bitmap<'a> = BitMapBackend<'a, RGBPixel>;
type Drawn = Result<(), DrawingErrorKind<<Bitmap<'static> as DrawingBackend>::ErrorType>>;

/// Bytes a unit or pixel: red, green, blue.
const CHANNELS: usize = 3;

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

fn paint(bitmap: &mut Bitmap<'_>, shape: &Shape) -> Drawn {
    match shape {
        Shape::Line { places, width, colour } => paint_line(bitmap, places, *width, *colour),
        Shape::Band { columns, colour } => paint_band(bitmap, columns, *colour),
        Shape::Area { corners, colour } => bitmap.fill_polygon(corners.iter().copied(), &colour.to_rgba()),
        Shape::Words { at, text, font, side } => paint_words(bitmap, *at, text, *font, *side),
    }
}

/// Piece by piece, with a disc at each corner: the library's outline of a whole thick line tears
/// where the line turns sharply, and a memory curve turns sharply at every spike.
fn paint_line(bitmap: &mut Bitmap<'_>, places: &[Place], width: u32, colour: RGBAColor) -> Drawn {
    let style = ShapeStyle { color: colour, filled: true, stroke_width: width };
    for piece in places.windows(2) {
        match (piece[0], piece[1]) {
            (from, to) if from == to => {}
            (from, to) if from.0 == to.0 || from.1 == to.1 => {
                paint_straight(bitmap, from, to, width, colour)?
            }
            (from, to) => bitmap.draw_path([from, to], &style)?,
        }
    }
    let corners = if width > 2 { places.get(1..places.len() - 1).unwrap_or_default() } else { &[] };
    corners.iter().try_for_each(|&corner| bitmap.draw_circle(corner, width / 2, &style, true))
}

/// A line along an axis, exactly as wide as it should be.
fn paint_straight(bitmap: &mut Bitmap<'_>, from: Place, to: Place, width: u32, colour: RGBAColor) -> Drawn {
    let (before, after) = ((width / 2) as i32, (width.div_ceil(2)) as i32 - 1);
    let (left, right) = (from.0.min(to.0), from.0.max(to.0));
    let (top, bottom) = (from.1.min(to.1), from.1.max(to.1));
    let (first, last) = if left == right {
        ((left - before, top), (right + after, bottom))
    } else {
        ((left, top - before), (right, bottom + after))
    };
    bitmap.draw_rect(first, last, &colour, true)
}

fn paint_band(bitmap: &mut Bitmap<'_>, columns: &[(i32, i32, i32)], colour: RGBAColor) -> Drawn {
    for pair in columns.windows(2) {
        let ((x0, top0, bottom0), (x1, top1, bottom1)) = (pair[0], pair[1]);
        for x in x0..x1 {
            let between = |from: i32, to: i32| from + (to - from) * (x - x0) / (x1 - x0);
            let (top, bottom) = (between(top0, top1), between(bottom0, bottom1));
            bitmap.draw_rect((x, top), (x, bottom), &colour, true)?;
        }
    }
    Ok(())
}

/// Puts words where an SVG viewer puts them: the library's bitmaps have them higher.
fn paint_words(bitmap: &mut Bitmap<'_>, at: Place, text: &str, font: Font, side: Side) -> Drawn {
    let style = font.style(side);
    let width = font.width_of(text);
    let left = match side {
        Side::Left => at.0,
        Side::Middle => at.0 - width / 2,
        Side::Right => at.0 - width,
    };
    // The baseline is half the size below the place that glyphs are drawn at, and is to lie
    // 0.22 of it below the middle of the words.
    let top = at.1 + font.size * 22 / 100 - font.size / 2;
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
    let (width, step) = (WIDTH as usize, UNITS_A_PIXEL as usize);
    let row = width * CHANNELS;
    let mut pixels = Vec::with_capacity(units.len() / (step * step));
    for rows in units.chunks_exact(row * step) {
        for x in (0..width).step_by(step) {
            for channel in 0..CHANNELS {
                let unit = |across: usize, down: usize| {
                    u32::from(rows[down * row + (x + across) * CHANNELS + channel])
                };
                let sum: u32 = (0..step * step).map(|index| unit(index % step, index / step)).sum();
                let count = (step * step) as u32;
                pixels.push(((sum + count / 2) / count) as u8);
            }
        }
    }
    pixels
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
