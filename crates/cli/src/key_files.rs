//! Files that hold keys: the component opens them, and reads a stand-in.

use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::filesystem::{Descriptor, File, WasiFilesystemView};
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, ErrorCode, Host as _, HostDescriptor, OpenFlags, PathFlags,
};

use crate::host::Host;

/// The interface by the version that this wasmtime-wasi has; the component's 0.2.0 is found under it too.
const TYPES: &str = "wasi:filesystem/types@0.2.12";

type Arguments = (
    Resource<Descriptor>,
    PathFlags,
    String,
    OpenFlags,
    DescriptorFlags,
);

/// Puts a stand-in in place of every file with a key that the component opens, by whatever name.
///
/// # Errors
/// The linker has no wasi:filesystem.
pub(crate) fn hide(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    linker.instance(TYPES)?.func_wrap_async(
        "[method]descriptor.open-at",
        |mut store, arguments: Arguments| {
            Box::new(async move {
                let host = store.data_mut();
                let opened = match open(host, arguments).await {
                    Ok(descriptor) => Ok(descriptor),
                    Err(error) => Err(host.filesystem().convert_error_code(error)?),
                };
                Ok((opened,))
            })
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

async fn open(
    host: &mut Host,
    (folder, path_flags, path, open_flags, flags): Arguments,
) -> FsResult<Resource<Descriptor>> {
    let descriptor = host
        .filesystem()
        .open_at(folder, path_flags, path, open_flags, flags)
        .await?;
    let Descriptor::File(opened) = host.table.get_mut(&descriptor)? else {
        return Ok(descriptor);
    };
    if let Some(stand_in) = host
        .keys
        .stand_in_for(&opened.file)
        .map_err(ErrorCode::from)?
    {
        *opened = File::new(stand_in, opened.perms, opened.open_mode, true);
    }
    Ok(descriptor)
}
