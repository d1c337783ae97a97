//! A number painted into every picture of a source, to be read back from any export of it.
//!
//! Two rows of 24 blocks hold 48 bits: source number (16), frame number (24) and a CRC-8 over both.
//! Each row begins with a black and ends with a white block; a block is a one when it is lighter
//! than midway between them. Places are fractions of the picture – a unit is an 80th of its width and
//! a 45th of its height, a block three units square – so that the code survives scaling; only the
//! middle of a block is looked at, so that it survives compression.

use ffmpeg::{ffi, format, frame};
use ffmpeg_next as ffmpeg;

/// Units across a picture: one of margin at each side, and 26 blocks of three.
const UNITS_ACROSS: u32 = 80;
/// Units down a picture: one of margin, then two rows of three; the rest is the picture's.
const UNITS_DOWN: u32 = 45;
/// Units of a block's side.
const BLOCK: u32 = 3;
/// Data blocks in a row.
const DATA_COLUMNS: u32 = 24;
/// Blocks in a row, with black and white at its ends.
const COLUMNS: u32 = DATA_COLUMNS + 2;
/// Rows.
const ROWS: u32 = 2;
/// Black and white must differ by this share of all values to be a barcode at all.
const LEAST_CONTRAST: f64 = 0.2;

/// What a barcode says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Barcode {
    /// Which source.
    pub source: u16,
    /// Which of its frames, counted from 0. Only the lowest 24 bits are kept.
    pub frame: u32,
}

impl Barcode {
    fn bits(self) -> u64 {
        let payload = u64::from(self.source) << 24 | u64::from(self.frame & 0xff_ffff);
        payload << 8 | u64::from(crc8(payload))
    }

    fn from_bits(bits: u64) -> Option<Barcode> {
        let payload = bits >> 8;
        let whole = crc8(payload) == bits as u8;
        whole.then_some(Barcode { source: (payload >> 24) as u16, frame: (payload & 0xff_ffff) as u32 })
    }

    /// Whether a barcode can be painted into pictures of a format: not into palettes, nor where
    /// values are smaller than a byte, nor into floats.
    pub fn fits(format: format::Pixel) -> bool {
        // SAFETY: asked by number; null for no format at all.
        let Some(descriptor) = (unsafe { ffi::av_pix_fmt_desc_get(format.into()).as_ref() }) else {
            return false;
        };
        let unfit = [
            ffi::AV_PIX_FMT_FLAG_PAL,
            ffi::AV_PIX_FMT_FLAG_BITSTREAM,
            ffi::AV_PIX_FMT_FLAG_HWACCEL,
            ffi::AV_PIX_FMT_FLAG_FLOAT,
        ];
        let fit = unfit.into_iter().all(|flag| descriptor.flags & u64::from(flag as u32) == 0);
        fit && (8..=16).contains(&descriptor.comp[0].depth)
    }

    /// Paints the barcode over a picture of a format that [`Barcode::fits`], on neutral chroma. The
    /// picture's planes must not be shared.
    pub fn paint(self, picture: &mut frame::Video) {
        let bits = self.bits();
        let plane_values = Components::of(picture);
        for row in 0..ROWS {
            for component in &plane_values.list {
                let line = component.line(picture.width(), |column| is_light(bits, row, column));
                for y in component.rows(picture.height(), row) {
                    component.write(picture, y, &line);
                }
            }
        }
    }

    /// Reads a picture's barcode; `None` when it has none that can be read.
    pub fn read(picture: &frame::Video) -> Option<Barcode> {
        let lightness = Lightness::of(picture)?;
        let mean =
            |column: u32| (0..ROWS).map(|row| lightness.block(row, column)).sum::<f64>() / f64::from(ROWS);
        let (black, white) = (mean(0), mean(COLUMNS - 1));
        if white - black < LEAST_CONTRAST * lightness.largest {
            return None;
        }
        let mut bits = 0;
        for row in 0..ROWS {
            for column in 1..=DATA_COLUMNS {
                bits = bits << 1 | u64::from(lightness.block(row, column) > (black + white) / 2.0);
            }
        }
        Barcode::from_bits(bits)
    }
}

fn is_light(bits: u64, row: u32, column: u32) -> bool {
    match column {
        0 => false,
        column if column == COLUMNS - 1 => true,
        column => bits >> ((ROWS - row) * DATA_COLUMNS - column) & 1 == 1,
    }
}

/// CRC-8 with the polynomial x⁸+x²+x+1, beginning at 0xff so that black all over is no code.
fn crc8(payload: u64) -> u8 {
    payload.to_be_bytes()[3..].iter().fold(0xff, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 })
    })
}

/// Where a number of units lies, in even pixels.
fn place(units: u32, all_units: u32, pixels: u32) -> u32 {
    let half = pixels * units / (all_units * 2) + u32::from(pixels * units % (all_units * 2) >= all_units);
    (half * 2).min(pixels)
}

/// The components of a picture's format (luma and chroma, or colors) with what to paint into each.
struct Components {
    list: Vec<Component>,
}

struct Component {
    index: i32,
    shift_across: u32,
    shift_down: u32,
    dark: u16,
    light: u16,
}

impl Components {
    fn of(picture: &frame::Video) -> Components {
        let descriptor = descriptor(picture);
        let rgb = descriptor.flags & u64::from(ffi::AV_PIX_FMT_FLAG_RGB as u32) != 0;
        let full = rgb || picture.color_range() == ffmpeg::color::Range::JPEG;
        let component = |index: u8| {
            let depth = descriptor.comp[usize::from(index)].depth as u32;
            let chroma = !rgb && (index == 1 || index == 2);
            let (dark, light) = match (chroma, full) {
                (true, _) => (1 << (depth - 1), 1 << (depth - 1)),
                (false, true) => (0, ((1u32 << depth) - 1) as u16),
                (false, false) => (16 << (depth - 8), 235 << (depth - 8)),
            };
            let shift = |log2: u8| if chroma { u32::from(log2) } else { 0 };
            let (shift_across, shift_down) =
                (shift(descriptor.log2_chroma_w), shift(descriptor.log2_chroma_h));
            Component { index: index.into(), shift_across, shift_down, dark, light }
        };
        // A fourth component would be transparency, which stays as it is.
        Components { list: (0..descriptor.nb_components.min(3)).map(component).collect() }
    }
}

impl Component {
    /// A line across the whole code, from the first block's edge on, and where that is.
    fn line(&self, width: u32, is_light: impl Fn(u32) -> bool) -> (u32, Vec<u16>) {
        let edge = |column| place(1 + BLOCK * column, UNITS_ACROSS, width) >> self.shift_across;
        let mut values = Vec::with_capacity((edge(COLUMNS) - edge(0)) as usize);
        for column in 0..COLUMNS {
            let value = if is_light(column) { self.light } else { self.dark };
            values.resize((edge(column + 1) - edge(0)) as usize, value);
        }
        (edge(0), values)
    }

    fn rows(&self, height: u32, row: u32) -> std::ops::Range<u32> {
        let edge = |row| place(1 + BLOCK * row, UNITS_DOWN, height) >> self.shift_down;
        edge(row)..edge(row + 1)
    }

    /// Writes values into a line, in place of what is there (`av_write_image_line2` only adds bits).
    fn write(&self, picture: &mut frame::Video, y: u32, (x, values): &(u32, Vec<u16>)) {
        let descriptor = descriptor(picture);
        let place = &descriptor.comp[self.index as usize];
        let bytes = if place.shift + place.depth > 8 { 2 } else { 1 };
        let swapped = descriptor.flags & u64::from(ffi::AV_PIX_FMT_FLAG_BE as u32) != 0;
        let mask = (((1u32 << place.depth) - 1) << place.shift) as u16;
        // SAFETY: the line lies within the picture, whose planes are its own and writable; a value
        // takes one or two bytes there, as the descriptor of its format says.
        unsafe {
            let raw = picture.as_mut_ptr();
            let plane = place.plane as usize;
            let line = (*raw).data[plane].offset((*raw).linesize[plane] as isize * y as isize);
            for (index, &value) in values.iter().enumerate() {
                let at = line.add((*x as usize + index) * place.step as usize + place.offset as usize);
                let value = value << place.shift;
                if bytes == 1 {
                    *at = *at & !(mask as u8) | value as u8;
                    continue;
                }
                let (at, swap) =
                    (at.cast::<u16>(), |value: u16| if swapped { value.swap_bytes() } else { value });
                at.write_unaligned(swap(swap(at.read_unaligned()) & !mask | value));
            }
        }
    }
}

/// Luma of a picture, or green where it has none.
struct Lightness<'a> {
    picture: &'a frame::Video,
    component: i32,
    largest: f64,
}

impl Lightness<'_> {
    fn of(picture: &frame::Video) -> Option<Lightness<'_>> {
        // SAFETY: asked by number; null for no format at all.
        let descriptor = unsafe { ffi::av_pix_fmt_desc_get(picture.format().into()).as_ref() }?;
        let flags = descriptor.flags;
        let unreadable = ffi::AV_PIX_FMT_FLAG_HWACCEL as u32 | ffi::AV_PIX_FMT_FLAG_PAL as u32;
        if flags & u64::from(unreadable) != 0
            || picture.width() < UNITS_ACROSS
            || picture.height() < UNITS_DOWN
        {
            return None;
        }
        let component = i32::from(flags & u64::from(ffi::AV_PIX_FMT_FLAG_RGB as u32) != 0);
        let largest = f64::from((1u32 << descriptor.comp[component as usize].depth) - 1);
        Some(Lightness { picture, component, largest })
    }

    /// Mean of the middle of a block, half its width and half its height.
    fn block(&self, row: u32, column: u32) -> f64 {
        let middle = |index, units, pixels| {
            let quarters = |quarter: u32| {
                let fours = 4 * (1 + BLOCK * index) + BLOCK * quarter;
                (u64::from(pixels) * u64::from(fours) / u64::from(4 * units)) as u32
            };
            (quarters(1), quarters(3).max(quarters(1) + 1))
        };
        let (left, right) = middle(column, UNITS_ACROSS, self.picture.width());
        let (top, bottom) = middle(row, UNITS_DOWN, self.picture.height());
        let mut line = vec![0u16; (right - left) as usize];
        let mut sum = 0;
        for y in top..bottom {
            self.read(left, y, &mut line);
            sum += line.iter().map(|&value| u64::from(value)).sum::<u64>();
        }
        sum as f64 / f64::from((right - left) * (bottom - top))
    }

    fn read(&self, x: u32, y: u32, line: &mut [u16]) {
        // SAFETY: the line lies within the picture; `line` holds two bytes for each of its values.
        unsafe {
            let raw = self.picture.as_ptr();
            let mut planes = (*raw).data.map(<*mut u8>::cast_const);
            ffi::av_read_image_line2(
                line.as_mut_ptr().cast(),
                planes.as_mut_ptr(),
                (*raw).linesize.as_ptr(),
                descriptor(self.picture),
                x as i32,
                y as i32,
                self.component,
                line.len() as i32,
                0,
                2,
            );
        }
    }
}

fn descriptor(picture: &frame::Video) -> &'static ffi::AVPixFmtDescriptor {
    // SAFETY: descriptors are static; pictures with planes have a format.
    unsafe { ffi::av_pix_fmt_desc_get(picture.format().into()).as_ref() }
        .expect("a picture has a pixel format")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ffmpeg::format::Pixel;

    fn painted(format: Pixel, width: u32, height: u32) -> (Barcode, frame::Video) {
        let mut picture = frame::Video::new(format, width, height);
        // SAFETY: the planes are the frame's own; each has at least so many bytes.
        unsafe {
            for plane in 0..picture.planes() {
                let bytes = picture.stride(plane) * picture.plane_height(plane) as usize;
                std::ptr::write_bytes((*picture.as_mut_ptr()).data[plane], 0x5a, bytes);
            }
        }
        assert!(Barcode::fits(format));
        let code = Barcode { source: 40_321, frame: 11_184_810 };
        code.paint(&mut picture);
        (code, picture)
    }

    #[test]
    fn what_is_painted_is_read_in_every_size_and_format() {
        for format in
            [Pixel::YUV420P, Pixel::YUV422P, Pixel::YUV444P, Pixel::YUV420P10LE, Pixel::NV12, Pixel::RGB24]
        {
            for (width, height) in [(320, 180), (640, 360), (720, 576), (854, 480), (1280, 720), (1998, 1080)]
            {
                let (code, picture) = painted(format, width, height);
                assert_eq!(Barcode::read(&picture), Some(code), "{format:?} {width}x{height}");
            }
        }
    }

    #[test]
    fn black_is_no_barcode() {
        let mut picture = frame::Video::new(Pixel::YUV420P, 320, 180);
        crate::libav::paint_black(&mut picture, false).unwrap();
        assert_eq!(Barcode::read(&picture), None);
    }

    #[test]
    fn one_wrong_bit_is_no_barcode() {
        let bits = Barcode { source: 7, frame: 1234 }.bits();
        for bit in 0..48 {
            assert_eq!(Barcode::from_bits(bits ^ 1 << bit), None, "bit {bit}");
        }
    }

    #[test]
    fn block_edges_of_720p_are_those_of_macroblocks() {
        for column in 0..=COLUMNS {
            assert_eq!(place(1 + BLOCK * column, UNITS_ACROSS, 1280) % 16, 0);
        }
    }
}
