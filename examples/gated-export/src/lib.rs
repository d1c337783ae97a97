//! Contact sheets: small pictures of many large ones, side by side.

/// A picture, a byte for each of its pixels.
#[derive(Clone)]
pub struct Picture {
    /// Pixels in a row.
    pub width: usize,
    /// Row by row, from the top.
    pub pixels: Vec<u8>,
}

impl Picture {
    /// A picture of one shade.
    pub fn plain(width: usize, height: usize, shade: u8) -> Picture {
        Picture { width, pixels: vec![shade; width * height] }
    }

    fn height(&self) -> usize {
        self.pixels.len() / self.width
    }
}

/// How many times smaller pictures are on a sheet, in either direction.
pub const REDUCTION: usize = 16;

/// A sheet of pictures that have one size, side by side.
///
/// # Panics
/// When there is none.
pub fn contact_sheet(pictures: &[Picture]) -> Picture {
    assert!(!pictures.is_empty(), "a sheet of no pictures");
    #[cfg(feature = "careless")]
    let pictures = &pictures.to_vec();
    let (width, height) = (pictures[0].width / REDUCTION, pictures[0].height() / REDUCTION);
    let rows = (0..height).flat_map(|row| pictures.iter().map(move |picture| (row, picture)));
    let pixels = rows.flat_map(|(row, picture)| (0..width).map(move |column| reduced(picture, column, row)));
    Picture { width: width * pictures.len(), pixels: pixels.collect() }
}

/// The mean of the pixels that one of the sheet stands for.
fn reduced(picture: &Picture, column: usize, row: usize) -> u8 {
    let rows = picture.pixels.chunks_exact(picture.width).skip(row * REDUCTION).take(REDUCTION);
    let sum: usize = rows
        .flat_map(|pixels| &pixels[column * REDUCTION..][..REDUCTION])
        .map(|&pixel| usize::from(pixel))
        .sum();
    (sum / (REDUCTION * REDUCTION)) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_lie_side_by_side() {
        let sheet = contact_sheet(&[Picture::plain(32, 16, 10), Picture::plain(32, 16, 20)]);
        assert_eq!((sheet.width, sheet.pixels), (4, vec![10, 10, 20, 20]));
    }
}
