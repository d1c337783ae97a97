//! Colours and marks that stay apart for the colour-blind and in grey print.

use plotters::style::RGBAColor;

use crate::report::plot::scene::{Place, Scene};

/// Words and axes.
pub const INK: RGBAColor = RGBAColor(34, 34, 34, 1.0);
/// Words of less weight.
pub const GREY: RGBAColor = RGBAColor(95, 95, 95, 1.0);
/// Lines behind everything.
pub const PALE: RGBAColor = RGBAColor(216, 216, 216, 1.0);
/// The background.
pub const PAPER: RGBAColor = RGBAColor(255, 255, 255, 1.0);

/// Okabe and Ito's palette ("Color Universal Design", 2008) without yellow, which vanishes on white,
/// and with black last.
const COLOURS: [RGBAColor; 7] = [
    RGBAColor(0, 114, 178, 1.0),
    RGBAColor(213, 94, 0, 1.0),
    RGBAColor(0, 158, 115, 1.0),
    RGBAColor(204, 121, 167, 1.0),
    RGBAColor(86, 180, 233, 1.0),
    RGBAColor(230, 159, 0, 1.0),
    RGBAColor(0, 0, 0, 1.0),
];

/// How one variant is told from the others: by a colour *and* by the shape of its marks.
///
/// Lines are not dashed: a spike that falls into a gap would be lost.
#[derive(Debug, Clone, Copy)]
pub struct Ink {
    /// Its colour.
    pub colour: RGBAColor,
    outline: Outline,
    hollow: bool,
}

/// The colour for a second round through the palette.
fn darker(RGBAColor(red, green, blue, opacity): RGBAColor) -> RGBAColor {
    let dark = |channel: u8| (f64::from(channel) * 0.6) as u8;
    let black = u32::from(red) + u32::from(green) + u32::from(blue) == 0;
    if black { GREY } else { RGBAColor(dark(red), dark(green), dark(blue), opacity) }
}

#[derive(Debug, Clone, Copy)]
enum Outline {
    Circle,
    Square,
    Triangle,
    Diamond,
    Downward,
}

/// The shapes in the order in which they are used; with the hollow ones and the colours 70 differ.
const OUTLINES: [Outline; 5] =
    [Outline::Circle, Outline::Square, Outline::Triangle, Outline::Diamond, Outline::Downward];

impl Ink {
    /// The ink of the variant at this place in the plan.
    pub fn of(variant: usize) -> Ink {
        let colour = COLOURS[variant % COLOURS.len()];
        Ink {
            colour: if (variant / COLOURS.len()).is_multiple_of(2) { colour } else { darker(colour) },
            outline: OUTLINES[variant % OUTLINES.len()],
            hollow: (variant / OUTLINES.len()) % 2 == 1,
        }
    }

    /// The ink of what stands beside the memory: grey, as nothing else is that has a mark.
    pub fn aside() -> Ink {
        Ink { colour: GREY, outline: Outline::Diamond, hollow: true }
    }

    /// The same colour, so that what lies behind can be seen.
    pub fn see_through(&self, opacity: f64) -> RGBAColor {
        RGBAColor(self.colour.0, self.colour.1, self.colour.2, opacity)
    }

    /// Puts a mark of this size (from its middle to its rim) on the scene.
    pub fn mark(&self, scene: &mut Scene, at: Place, size: i32) {
        scene.area(self.outline.corners(at, size + 5), PAPER);
        scene.area(self.outline.corners(at, size), self.colour);
        if self.hollow {
            scene.area(self.outline.corners(at, size - 6), PAPER);
        }
    }
}

impl Outline {
    fn corners(self, (x, y): Place, size: i32) -> Vec<Place> {
        let turned = |corners: u32, first: f64, reach: f64| -> Vec<Place> {
            let angle = |corner: u32| (first + f64::from(corner) * 360.0 / f64::from(corners)).to_radians();
            let place = |angle: f64| {
                let reach = reach * f64::from(size);
                (x + (reach * angle.cos()).round() as i32, y + (reach * angle.sin()).round() as i32)
            };
            (0..corners).map(|corner| place(angle(corner))).collect()
        };
        match self {
            Outline::Circle => turned(24, 0.0, 1.0),
            Outline::Square => turned(4, 45.0, 1.25),
            Outline::Triangle => turned(3, -90.0, 1.3),
            Outline::Diamond => turned(4, 0.0, 1.35),
            Outline::Downward => turned(3, 90.0, 1.3),
        }
    }
}

/// A cross: here it died.
pub fn cross(scene: &mut Scene, (x, y): Place, size: i32, colour: RGBAColor) {
    for (width, colour) in [(16, PAPER), (8, colour)] {
        scene.line(vec![(x - size, y - size), (x + size, y + size)], width, colour);
        scene.line(vec![(x - size, y + size), (x + size, y - size)], width, colour);
    }
}
