//! The web page of a node: what is in `assets/`, in the program itself.
//!
//! - `/` is the page, everything that it loads stands under `/console/`. It asks the interface like any other program, with the key of whoever sits before it: to load it needs no
//!   right, and gives none.
//! - Nothing comes from elsewhere, and the policy of its content says so: scripts, styles and pictures of this server only, no frames, no forms.
#![forbid(unsafe_code)]

use axum::Router;
use axum::extract::Path;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::{Embed, EmbeddedFile};

/// The files.
#[derive(Embed)]
#[folder = "assets"]
struct Assets;

/// What a browser may load for the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    // A browser keeps a file and asks whether it is still the same.
    (CACHE_CONTROL, "no-cache"),
];

/// The routes of the page.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/", get(|headers: HeaderMap| async move { serve("index.html", &headers) })).route(
        "/console/{*path}",
        get(|Path(path): Path<String>, headers: HeaderMap| async move { serve(&path, &headers) }),
    )
}

fn serve(path: &str, asked: &HeaderMap) -> Response {
    match Assets::get(path) {
        None => (HEADERS, StatusCode::NOT_FOUND).into_response(),
        Some(file) => {
            let tag = format!("\"{}\"", hex::encode(file.metadata.sha256_hash()));
            let known = asked.get_all(IF_NONE_MATCH).iter().any(|value| value.as_bytes() == tag.as_bytes());
            if known {
                return (StatusCode::NOT_MODIFIED, HEADERS, [(ETAG, tag)]).into_response();
            }
            let EmbeddedFile { data, metadata } = file;
            (HEADERS, [(CONTENT_TYPE, metadata.mimetype().to_string()), (ETAG, tag)], data).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(path: &str, tag: Option<&str>) -> (StatusCode, HeaderMap, String) {
        let mut request = Request::builder().uri(path);
        if let Some(tag) = tag {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let response = router::<()>().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn every_file_that_the_page_names_is_there_and_nothing_comes_from_elsewhere() {
        let (status, headers, page) = ask("/", None).await;
        assert_eq!(status, StatusCode::OK);
        assert!(headers[CONTENT_TYPE].to_str().unwrap().starts_with("text/html"));
        assert!(headers[CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'"));
        let named = page.split('"').filter(|part| part.starts_with("/console/"));
        let named: Vec<&str> = named.collect();
        assert!(named.len() >= 2, "{named:?}");
        for path in named {
            let (status, headers, _) = ask(path, None).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            let tag = headers[ETAG].to_str().unwrap();
            assert_eq!(ask(path, Some(tag)).await.0, StatusCode::NOT_MODIFIED, "{path}");
        }
        for path in ["/console/none.js", "/console/../Cargo.toml", "/console/%2e%2e/Cargo.toml", "/console/"]
        {
            assert_eq!(ask(path, None).await.0, StatusCode::NOT_FOUND, "{path}");
        }
    }

    /// A module that is imported and is not there would only show in a browser.
    #[test]
    fn every_import_leads_to_a_file() {
        let mut imports = 0;
        for path in Assets::iter().filter(|path| path.ends_with(".js") && !path.starts_with("vendor/")) {
            let file = Assets::get(&path).unwrap();
            let text = std::str::from_utf8(&file.data).unwrap();
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            for import in text.split("from '").skip(1).filter_map(|rest| rest.split('\'').next()) {
                let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
                for part in import.split('/') {
                    match part {
                        "." => {}
                        ".." => assert!(parts.pop().is_some(), "{path}: {import}"),
                        part => parts.push(part),
                    }
                }
                assert!(Assets::get(&parts.join("/")).is_some(), "{path}: {import}");
                imports += 1;
            }
        }
        assert!(imports > 50, "{imports}");
    }
}
