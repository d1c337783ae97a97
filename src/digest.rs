//! Short names for what something holds.

use std::io::Read;

use sha2::{Digest, Sha256};

/// Sixteen hexadecimal digits of SHA-256: enough to tell apart everything that will ever meet.
pub fn of(content: impl AsRef<[u8]>) -> String {
    short(&Sha256::digest(content))
}

/// The digest of everything that can be read.
///
/// # Errors
/// When reading fails.
pub fn of_reader(mut reader: impl Read) -> std::io::Result<String> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(short(&digest.finalize())),
            read => digest.update(&buffer[..read]),
        }
    }
}

fn short(digest: &[u8]) -> String {
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_and_its_content_have_the_same_digest() {
        let content = vec![7_u8; 200_000];
        assert_eq!(of_reader(content.as_slice()).unwrap(), of(&content));
        assert_eq!(of(b"abc"), "ba7816bf8f01cfea");
    }
}
