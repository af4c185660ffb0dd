//! Secrets that addresses hold: random, shown once, kept as their hash. Looking one up by its hash takes as long whatever was guessed.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::RngCore;
use sha2::{Digest, Sha256};

/// A new secret of `N` random bytes as text, and the hash to keep.
#[must_use]
pub fn fresh_secret<const N: usize>() -> (String, [u8; 32]) {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    let secret = URL_SAFE_NO_PAD.encode(bytes);
    let kept = hash(&secret);
    (secret, kept)
}

/// What is kept of a secret.
#[must_use]
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}
