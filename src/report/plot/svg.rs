//! A scene as SVG.

use std::fmt::Display;

use plotters::backend::SVGBackend;
use plotters::style::{Color, ShapeStyle};
use plotters_backend::{DrawingBackend, DrawingErrorKind};

use crate::report::plot::scene::{HEIGHT, Place, Scene, SceneShape, UNITS_A_PIXEL, WIDTH};

/// The scene as an SVG document, as many pixels large as the PNG. Words are left to the viewer's own
/// sans-serif font.
///
/// # Errors
/// What the drawing library said.
pub fn write(scene: &Scene) -> Result<String, String> {
    let mut document = String::new();
    draw(scene, &mut document).map_err(|error| error.to_string())?;
    Ok(sized_in_pixels(&document))
}

fn draw(
    scene: &Scene,
    document: &mut String,
) -> Result<(), DrawingErrorKind<impl std::error::Error + use<>>> {
    let size = (WIDTH.unsigned_abs(), HEIGHT.unsigned_abs());
    let mut svg = SVGBackend::with_string(document, size);
    svg.draw_rect((0, 0), (WIDTH, HEIGHT), &plotters::style::WHITE, true)?;
    for shape in &scene.shapes {
        match shape {
            SceneShape::Line { places, width, colour } => {
                let style = ShapeStyle { color: *colour, filled: false, stroke_width: *width };
                svg.draw_path(places.iter().copied(), &style)?;
            }
            SceneShape::Band { columns, colour } => svg.fill_polygon(outline(columns), &colour.to_rgba())?,
            SceneShape::Area { corners, colour } => {
                svg.fill_polygon(corners.iter().copied(), &colour.to_rgba())?
            }
            SceneShape::Words { at, text, font, side } => svg.draw_text(text, &font.style(*side), *at)?,
        }
    }
    svg.present()
}

fn outline(columns: &[(i32, i32, i32)]) -> Vec<Place> {
    let tops = columns.iter().map(|&(x, top, _)| (x, top));
    let bottoms = columns.iter().rev().map(|&(x, _, bottom)| (x, bottom));
    tops.chain(bottoms).collect()
}

/// The library makes a unit a pixel; the document is to be as large as the PNG, and its lines to
/// have round corners as there.
fn sized_in_pixels(document: &str) -> String {
    let size = |width: &dyn Display, height: &dyn Display| format!("width=\"{width}\" height=\"{height}\"");
    let pixels = size(&(WIDTH / UNITS_A_PIXEL), &(HEIGHT / UNITS_A_PIXEL));
    let rounded = format!("{pixels} stroke-linejoin=\"round\" stroke-linecap=\"round\"");
    document.replacen(&size(&WIDTH, &HEIGHT), &rounded, 1)
}
