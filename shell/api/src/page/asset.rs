//! The stylesheet, the script and the icon: in the binary, from this host, cached by their own hash.

use std::sync::LazyLock;

use axum::{
    Router,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use banyan_types::Hash;

const STYLE: &str = include_str!("../asset/style.css");
const SCRIPT: &str = include_str!("../asset/script.js");
const ICON: &str = include_str!("../asset/icon.svg");

/// First digits of the hash of all assets: a page asks for them by it, so that a new program is a new address.
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let hash = Hash(banyan_crypto::blake2b(&[STYLE.as_bytes(), SCRIPT.as_bytes(), ICON.as_bytes()]));
        hash.to_string().chars().take(12).collect()
    });
    &VERSION
}

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/assets/style.css", get(async || file("text/css; charset=utf-8", STYLE)))
        .route("/assets/script.js", get(async || file("text/javascript; charset=utf-8", SCRIPT)))
        .route("/assets/icon.svg", get(async || file("image/svg+xml", ICON)))
        .route("/favicon.ico", get(async || file("image/svg+xml", ICON)))
}

fn file(kind: &'static str, content: &'static str) -> Response {
    let mut response = content.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", version())) {
        headers.insert(header::ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of the script and of the stylesheet. Source: node 9.
    const ASSET_BYTES_MAX: usize = 12 * 1024;

    #[test]
    fn assets_are_small_and_name_no_other_host() {
        for asset in [STYLE, SCRIPT] {
            assert!(asset.len() <= ASSET_BYTES_MAX, "{} bytes", asset.len());
            assert!(!asset.contains("://") && !asset.contains("url("), "an asset names a host");
        }
    }
}
