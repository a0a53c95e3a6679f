//! Files from wasi:filesystem.

use alloc::string::String;
use alloc::vec::Vec;

use wasi::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags, filesystem_error_code,
};
use wasi::io::streams::StreamError;
use wasi::random::random::get_random_u64;

use super::file_stat;
use super::streams::MAX_WRITE;
use crate::granted::{GrantedFiles, descriptor};
use crate::{FsError, FsResult, Stat};

/// Files below one folder that the host granted.
pub type WasiFileSystem = GrantedFiles<Descriptor>;

impl descriptor::Descriptor for Descriptor {
    fn open_folder(&self, name: &str) -> FsResult<Descriptor> {
        self.open_at(
            PathFlags::empty(),
            name,
            OpenFlags::DIRECTORY,
            // Asking to change entries is needed for writes below; a read-only grant gives the folder all the same.
            DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY,
        )
        .or_else(|code| match code {
            ErrorCode::Access | ErrorCode::NotPermitted | ErrorCode::ReadOnly => self.open_at(
                PathFlags::empty(),
                name,
                OpenFlags::DIRECTORY,
                DescriptorFlags::READ,
            ),
            code => Err(code),
        })
        .map_err(fs_error)
    }

    fn open(&self, name: &str) -> FsResult<Descriptor> {
        self.open_at(
            PathFlags::empty(),
            name,
            OpenFlags::empty(),
            DescriptorFlags::READ,
        )
        .map_err(fs_error)
    }

    fn open_to_append(&self, name: &str) -> FsResult<Descriptor> {
        self.open_at(
            PathFlags::empty(),
            name,
            OpenFlags::CREATE,
            DescriptorFlags::WRITE,
        )
        .map_err(fs_error)
    }

    fn create(&self, name: &str) -> FsResult<Descriptor> {
        self.open_at(
            PathFlags::empty(),
            name,
            OpenFlags::CREATE | OpenFlags::EXCLUSIVE,
            DescriptorFlags::WRITE,
        )
        .map_err(fs_error)
    }

    fn stat_at(&self, name: &str) -> FsResult<Stat> {
        file_stat::stat_at(self, name).map_err(fs_error)
    }

    fn read_link(&self, name: &str) -> FsResult<String> {
        self.readlink_at(name).map_err(fs_error)
    }

    fn create_folder(&self, name: &str) -> FsResult<()> {
        self.create_directory_at(name).map_err(fs_error)
    }

    fn remove_folder(&self, name: &str) -> FsResult<()> {
        self.remove_directory_at(name).map_err(fs_error)
    }

    fn remove_file(&self, name: &str) -> FsResult<()> {
        self.unlink_file_at(name).map_err(fs_error)
    }

    fn rename(&self, name: &str, to: &Descriptor, to_name: &str) -> FsResult<()> {
        self.rename_at(name, to, to_name).map_err(fs_error)
    }

    fn names(&self, mut each: impl FnMut(Option<String>)) -> FsResult<()> {
        let stream = self.read_directory().map_err(fs_error)?;
        loop {
            each(match stream.read_directory_entry() {
                Ok(None) => return Ok(()),
                Ok(Some(entry)) => Some(entry.name),
                Err(ErrorCode::IllegalByteSequence) => None,
                Err(code) => return Err(fs_error(code)),
            });
        }
    }

    fn is_same(&self, other: &Descriptor) -> bool {
        self.is_same_object(other)
    }

    fn is_read_only(&self) -> bool {
        self.get_flags()
            .is_ok_and(|flags| !flags.contains(DescriptorFlags::MUTATE_DIRECTORY))
    }

    fn size(&self) -> FsResult<u64> {
        Ok(file_stat::stat(self).map_err(fs_error)?.size)
    }

    fn read(&self, bytes: &mut Vec<u8>, length: usize, offset: u64) -> FsResult<bool> {
        let (part, end) = Descriptor::read(self, length as u64, offset).map_err(fs_error)?;
        let end = end || part.is_empty();
        if bytes.is_empty() {
            *bytes = part;
        } else {
            bytes.extend_from_slice(&part);
        }
        Ok(end)
    }

    fn write(&self, bytes: &[u8], offset: Option<u64>) -> FsResult<usize> {
        if let Some(offset) = offset {
            let written = Descriptor::write(self, bytes, offset);
            return written.map(|count| count as usize).map_err(fs_error);
        }
        let part = &bytes[..bytes.len().min(MAX_WRITE)];
        let stream = self.append_via_stream().map_err(fs_error)?;
        match stream.blocking_write_and_flush(part) {
            Ok(()) => Ok(part.len()),
            Err(StreamError::Closed) => Err(FsError::Io),
            Err(StreamError::LastOperationFailed(error)) => {
                Err(filesystem_error_code(&error).map_or(FsError::Io, fs_error))
            }
        }
    }

    fn set_size(&self, size: u64) -> FsResult<()> {
        Descriptor::set_size(self, size).map_err(fs_error)
    }

    fn sync(&self) -> FsResult<()> {
        Descriptor::sync(self).map_err(fs_error)
    }

    fn sync_data(&self) -> FsResult<()> {
        Descriptor::sync_data(self).map_err(fs_error)
    }

    fn random() -> u64 {
        get_random_u64()
    }
}

fn fs_error(code: ErrorCode) -> FsError {
    match code {
        ErrorCode::NoEntry => FsError::NotFound,
        ErrorCode::Access | ErrorCode::NotPermitted => FsError::Denied,
        ErrorCode::ReadOnly => FsError::ReadOnly,
        ErrorCode::IsDirectory => FsError::IsFolder,
        ErrorCode::NotDirectory => FsError::NotFolder,
        ErrorCode::NotEmpty => FsError::NotEmpty,
        ErrorCode::Exist => FsError::Exists,
        ErrorCode::InsufficientSpace | ErrorCode::Quota => FsError::NoSpace,
        ErrorCode::FileTooLarge => FsError::TooLarge,
        ErrorCode::Invalid
        | ErrorCode::IllegalByteSequence
        | ErrorCode::NameTooLong
        | ErrorCode::Loop => FsError::InvalidPath,
        _ => FsError::Io,
    }
}
