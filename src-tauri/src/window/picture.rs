//! Serves the pictures of messages to the page by the `picture` protocol. The core has fetched and checked them; the
//! page never learns their addresses.

use inbox::MessageId;
use tauri::{
    Manager as _, Runtime, UriSchemeContext, UriSchemeResponder,
    http::{Request, Response, StatusCode, header},
};

use super::LABEL;
use crate::app::Shell;

/// Answers `picture://localhost/{id}` with the picture, or 404 where there is none.
#[allow(clippy::needless_pass_by_value)] // as Tauri hands them over
pub fn serve<R: Runtime>(context: UriSchemeContext<'_, R>, request: Request<Vec<u8>>, responder: UriSchemeResponder) {
    let id = decode(request.uri().path().trim_start_matches('/')).map(MessageId);
    let shell = context.app_handle().try_state::<Shell>().map(|shell| shell.handle.clone());
    let (Some(id), Some(handle), LABEL) = (id, shell, context.webview_label()) else {
        responder.respond(answer(StatusCode::NOT_FOUND, "text/plain", Vec::new()));
        return;
    };
    tauri::async_runtime::spawn(async move {
        responder.respond(match handle.picture(id).await {
            Ok(picture) => answer(StatusCode::OK, picture.content_type, picture.bytes),
            Err(problem) => {
                tracing::debug!(%problem, "no picture");
                answer(StatusCode::NOT_FOUND, "text/plain", Vec::new())
            }
        });
    });
}

fn answer(status: StatusCode, content_type: &'static str, bytes: Vec<u8>) -> Response<Vec<u8>> {
    let mut response = Response::new(bytes);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    // The core keeps what is worth keeping; the webview's files must not.
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

/// Decodes percent-encoding; `None` for what is not encoded text.
fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            digit(rest.next())? * 16 + digit(rest.next())?
        } else {
            byte
        });
    }
    String::from_utf8(bytes).ok().filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_comes_out_as_the_page_encoded_it() {
        assert_eq!(decode("42").as_deref(), Some("42"));
        assert_eq!(decode("a%2Fb%20%C3%A9").as_deref(), Some("a/b é"));
        for bad in ["", "%", "%4", "%zz", "%ff"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
