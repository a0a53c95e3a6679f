//! The host's functions as a plugin imports them: sizes are checked before anything is copied, then the plugin's [`Host`] is asked.

use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::{Linker, LinkerInstance, WasmList, WasmStr};
use wasmtime::{Result, StoreContextMut};

use super::caps::{self, Caps};
use super::error::Stopped;
use super::host::{CallContext, Host, HostFault, HttpRequest, LogLevel};
use super::log_rate::Verdict;
use super::plugin::State;
use super::wasi_imports;

/// The import of the contract.
pub(crate) const HOST: &str = "dewclaw:plugin/host@0.1.0";
/// The import of the older world.
pub(crate) const OLD_HOST: &str = "host";

/// A linker with the host's functions under both names, and WASI's interfaces, of which a plugin gets those that it is granted: what
/// it imports is checked by name before it is linked.
pub(crate) fn linker(engine: &wasmtime::Engine, wasi: bool) -> Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    for name in [HOST, OLD_HOST] {
        define(&mut linker.instance(name)?)?;
    }
    if wasi {
        wasi_imports::link(&mut linker)?;
    }
    Ok(linker)
}

type Context<'a> = StoreContextMut<'a, State>;

fn define(host: &mut LinkerInstance<'_, State>) -> Result<()> {
    host.func_wrap_async("http-request", |context: Context<'_>, given: Http| {
        Box::new(http_request(context, given))
    })?;
    host.func_wrap_async("read-file", |context: Context<'_>, (path,): (WasmStr,)| {
        Box::new(read_file(context, path))
    })?;
    host.func_wrap_async(
        "write-file",
        |context: Context<'_>, (path, content): (WasmStr, WasmStr)| {
            Box::new(write_file(context, path, content))
        },
    )?;
    host.func_wrap_async("get-env", |context: Context<'_>, (name,): (WasmStr,)| {
        Box::new(get_env(context, name))
    })?;
    host.func_wrap_async(
        "log",
        |context: Context<'_>, (level, message): (u8, WasmStr)| {
            Box::new(log(context, level, message))
        },
    )
}

type Http = (
    WasmStr,
    WasmStr,
    WasmList<(WasmStr, WasmStr)>,
    Option<WasmStr>,
);
type Answer<T> = Result<(Result<T, String>,)>;

async fn http_request(mut context: Context<'_>, given: Http) -> Answer<String> {
    let (host, call) = asked(&context);
    match request(&mut context, given)? {
        Ok(request) => {
            let most = allowed(&context).http_response_bytes;
            answered(host.http_request(call, request).await, most)
        }
        Err(too_long) => refused(&*host, call, "http-request", too_long).await,
    }
}

/// The request, or what of it is too long.
fn request(
    context: &mut Context<'_>,
    (method, url, headers, body): Http,
) -> Result<Result<HttpRequest, String>> {
    let (method, url) = match (
        text(context, &method, "the method", caps::URL_BYTES)?,
        text(context, &url, "the URL", caps::URL_BYTES)?,
    ) {
        (Ok(method), Ok(url)) => (method, url),
        (Err(too_long), _) | (_, Err(too_long)) => return Ok(Err(too_long)),
    };
    if headers.len() > caps::HEADERS {
        return Ok(Err(format!(
            "{} headers, at most {} are taken",
            headers.len(),
            caps::HEADERS
        )));
    }
    let mut read = Vec::with_capacity(headers.len());
    let mut rest = caps::HEADER_BYTES;
    for index in 0..headers.len() {
        let Some(header) = headers.get(&mut *context, index) else {
            break;
        };
        let (name, value) = header?;
        let name = match text(context, &name, "the headers", rest)? {
            Ok(name) => name,
            Err(too_long) => return Ok(Err(too_long)),
        };
        rest -= name.len();
        let value = match text(context, &value, "the headers", rest)? {
            Ok(value) => value,
            Err(too_long) => return Ok(Err(too_long)),
        };
        rest -= value.len();
        read.push((name, value));
    }
    let body = match body {
        None => None,
        Some(body) => match text(
            context,
            &body,
            "the body",
            allowed(context).http_request_bytes,
        )? {
            Ok(body) => Some(body),
            Err(too_long) => return Ok(Err(too_long)),
        },
    };
    Ok(Ok(HttpRequest {
        method,
        url,
        headers: read,
        body,
    }))
}

async fn read_file(context: Context<'_>, path: WasmStr) -> Answer<String> {
    let (host, call) = asked(&context);
    match text(&context, &path, "the path", caps::PATH_BYTES)? {
        Ok(path) => answered(
            host.read_file(call, path).await,
            allowed(&context).read_file_bytes,
        ),
        Err(too_long) => refused(&*host, call, "read-file", too_long).await,
    }
}

async fn write_file(context: Context<'_>, path: WasmStr, content: WasmStr) -> Answer<()> {
    let (host, call) = asked(&context);
    match (
        text(&context, &path, "the path", caps::PATH_BYTES)?,
        text(
            &context,
            &content,
            "the content",
            allowed(&context).write_file_bytes,
        )?,
    ) {
        (Ok(path), Ok(content)) => {
            Ok((host.write_file(call, path, content).await.map_err(failed)?,))
        }
        (Err(too_long), _) | (_, Err(too_long)) => {
            refused(&*host, call, "write-file", too_long).await
        }
    }
}

async fn get_env(context: Context<'_>, name: WasmStr) -> Result<(Option<String>,)> {
    let (host, call) = asked(&context);
    match text(&context, &name, "the name", caps::ENV_NAME_BYTES)? {
        Ok(name) => {
            let value = host.get_env(call, name).await.map_err(failed)?;
            Ok((value.filter(|value| value.len() <= allowed(&context).exchange_bytes),))
        }
        Err(too_long) => {
            host.refused(call, "get-env", too_long)
                .await
                .map_err(failed)?;
            Ok((None,))
        }
    }
}

async fn log(context: Context<'_>, level: u8, message: WasmStr) -> Result<()> {
    let (host, call) = asked(&context);
    let Verdict::Keep { dropped_before } = context.data().log.message(Instant::now()) else {
        return Ok(());
    };
    if dropped_before > 0 {
        host.log_dropped(dropped_before);
    }
    let whole = message.to_str(&context)?;
    let kept = &whole[..whole.floor_char_boundary(allowed(&context).log_message_bytes)];
    let cut = kept.len() < whole.len();
    let kept = kept.to_owned();
    drop(whole);
    host.log(call, LogLevel::from_number(level), kept, cut)
        .await
        .map_err(failed)
}

fn asked(context: &Context<'_>) -> (Arc<dyn Host>, CallContext) {
    let state = context.data();
    (
        Arc::clone(&state.host),
        CallContext {
            deadline: state.deadline,
        },
    )
}

/// What the plugin may use.
fn allowed<'a>(context: &'a Context<'_>) -> &'a Caps {
    context.data().caps()
}

/// The guest's text, copied only if it has at most `most` bytes; else what to say of it.
///
/// # Errors
/// It is not text.
fn text(
    context: &Context<'_>,
    given: &WasmStr,
    what: &str,
    most: usize,
) -> Result<Result<String, String>> {
    let text = given.to_str(context)?;
    Ok(if text.len() <= most {
        Ok(text.into_owned())
    } else {
        Err(format!(
            "{what}: {} bytes, at most {most} are taken",
            text.len()
        ))
    })
}

/// A host function's answer, of at most `most` bytes.
fn answered(answer: Result<Result<String, String>, HostFault>, most: usize) -> Answer<String> {
    let answer = answer.map_err(failed)?;
    Ok((match answer {
        Ok(text) if text.len() > most => Err(format!(
            "the answer: {} bytes, at most {most} are given",
            text.len()
        )),
        answer => answer,
    },))
}

async fn refused<T>(
    host: &dyn Host,
    call: CallContext,
    function: &'static str,
    reason: String,
) -> Answer<T> {
    host.refused(call, function, reason.clone())
        .await
        .map_err(failed)?;
    Ok((Err(reason),))
}

fn failed(fault: HostFault) -> wasmtime::Error {
    Stopped::Host(fault).into()
}
