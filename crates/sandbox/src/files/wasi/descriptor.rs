//! The functions of `wasi:filesystem/types`.

use std::sync::Arc;

use cap_std::fs::Dir as CapDir;
use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::{Descriptor, Dir, File};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    self, DescriptorFlags, DirectoryEntry, DirectoryEntryStream, ErrorCode, NewTimestamp,
    OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult};
use wasmtime_wasi::runtime::spawn_blocking;
use wasmtime_wasi::{FsPerms, OpenMode};

use super::asked::{Asked, stays_below};
use super::charge::{Charged, charged, write_at};
use super::listing::Listing;
use super::opening::{Opening, Unopened};
use super::streams::{Kept, QuotaReached, Reading, Writing};
use super::times::file_times;
use super::{Gate, Held};
use crate::files::counts::{Lease, Written};
use crate::files::error::{HARD_LINKS, LEAVES};
use crate::files::folder::{self, How, Opened};
use crate::limits::Limit;
use crate::policy::Access;

impl types::Host for Gate<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        if self.table.get(&error)?.is::<QuotaReached>() {
            return Ok(Some(ErrorCode::Quota));
        }
        self.stock().filesystem_error_code(error)
    }
}

impl Gate<'_> {
    fn folder(&self, descriptor: &Resource<Descriptor>) -> FsResult<&Dir> {
        match self.table.get(descriptor)? {
            Descriptor::Dir(dir) => Ok(dir),
            Descriptor::File(_) => Err(ErrorCode::NotDirectory.into()),
        }
    }

    fn file(&self, descriptor: &Resource<Descriptor>) -> FsResult<&File> {
        match self.table.get(descriptor)? {
            Descriptor::File(file) => Ok(file),
            Descriptor::Dir(_) => Err(ErrorCode::BadDescriptor.into()),
        }
    }

    /// What a stream of this file keeps; or the limit that it met.
    fn keep(&self, function: &'static str, held: &Held) -> FsResult<Kept> {
        let lease = self.plugin()?.files.streams().lease();
        match lease {
            Some(stream) => Ok(Kept {
                _file: held.lease.clone(),
                _stream: stream,
            }),
            None => Err(self.over(function, held, Limit::OpenFiles)?.into()),
        }
    }

    /// Puts a stream that counts in the place of one that does not.
    fn count(
        &mut self,
        function: &'static str,
        held: Held,
        kept: Kept,
        stream: Resource<DynOutputStream>,
        gap: u64,
    ) -> FsResult<Resource<DynOutputStream>> {
        let stream = self.table.delete(stream)?;
        let counted: DynOutputStream = Box::new(Writing {
            stream,
            _kept: kept,
            plugin: self.plugin()?.clone(),
            function,
            name: held.name,
            gap,
            is_over: false,
        });
        Ok(self.table.push(counted)?)
    }
}

impl types::HostDescriptor for Gate<'_> {
    fn read_via_stream(
        &mut self,
        descriptor: Resource<Descriptor>,
        offset: u64,
    ) -> FsResult<Resource<DynInputStream>> {
        let held = self.held(&descriptor)?;
        let kept = self.keep("read-via-stream", &held)?;
        let stream = self.stock().read_via_stream(descriptor, offset)?;
        let stream = self.table.delete(stream)?;
        let counted: DynInputStream = Box::new(Reading {
            stream,
            _kept: kept,
        });
        Ok(self.table.push(counted)?)
    }

    fn write_via_stream(
        &mut self,
        descriptor: Resource<Descriptor>,
        offset: u64,
    ) -> FsResult<Resource<DynOutputStream>> {
        let held = self.held(&descriptor)?;
        let length = self.file(&descriptor)?.file.metadata()?.len();
        let kept = self.keep("write-via-stream", &held)?;
        let stream = self.stock().write_via_stream(descriptor, offset)?;
        let gap = offset.saturating_sub(length);
        self.count("write-via-stream", held, kept, stream, gap)
    }

    fn append_via_stream(
        &mut self,
        descriptor: Resource<Descriptor>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let held = self.held(&descriptor)?;
        let kept = self.keep("append-via-stream", &held)?;
        let stream = self.stock().append_via_stream(descriptor)?;
        self.count("append-via-stream", held, kept, stream, 0)
    }

    async fn advise(
        &mut self,
        descriptor: Resource<Descriptor>,
        offset: u64,
        length: u64,
        advice: types::Advice,
    ) -> FsResult<()> {
        self.stock()
            .advise(descriptor, offset, length, advice)
            .await
    }

    async fn sync_data(&mut self, descriptor: Resource<Descriptor>) -> FsResult<()> {
        self.stock().sync_data(descriptor).await
    }

    async fn sync(&mut self, descriptor: Resource<Descriptor>) -> FsResult<()> {
        self.stock().sync(descriptor).await
    }

    async fn get_flags(&mut self, descriptor: Resource<Descriptor>) -> FsResult<DescriptorFlags> {
        self.stock().get_flags(descriptor).await
    }

    async fn get_type(
        &mut self,
        descriptor: Resource<Descriptor>,
    ) -> FsResult<types::DescriptorType> {
        self.stock().get_type(descriptor).await
    }

    async fn set_size(&mut self, descriptor: Resource<Descriptor>, size: u64) -> FsResult<()> {
        let held = self.held(&descriptor)?;
        let file = self.file(&descriptor)?;
        if file.perms.write_not_permitted() {
            return Err(ErrorCode::NotPermitted.into());
        }
        let (file, written) = (Arc::clone(&file.file), self.written()?);
        let set = move || {
            // What is added is read as zeroes by whoever copies the file, though the disk may not hold it.
            charged(
                &written,
                || Ok(size.saturating_sub(file.metadata()?.len())),
                || file.set_len(size),
            )
        };
        match spawn_blocking(set).await {
            Ok(()) => Ok(()),
            Err(Charged::System(error)) => Err(error.into()),
            Err(Charged::Over) => Err(self.over("set-size", &held, Limit::Written)?.into()),
        }
    }

    async fn set_times(
        &mut self,
        descriptor: Resource<Descriptor>,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        self.stock().set_times(descriptor, accessed, modified).await
    }

    async fn read(
        &mut self,
        descriptor: Resource<Descriptor>,
        length: u64,
        offset: u64,
    ) -> FsResult<(Vec<u8>, bool)> {
        self.stock().read(descriptor, length, offset).await
    }

    async fn write(
        &mut self,
        descriptor: Resource<Descriptor>,
        bytes: Vec<u8>,
        offset: u64,
    ) -> FsResult<u64> {
        let held = self.held(&descriptor)?;
        let file = self.file(&descriptor)?;
        if file.perms.write_not_permitted() {
            return Err(ErrorCode::NotPermitted.into());
        }
        let (file, written) = (Arc::clone(&file.file), self.written()?);
        let write = move || {
            // With what lies between the file's end and the first byte, which is read as zeroes.
            let all = || {
                let gap = offset.saturating_sub(file.metadata()?.len());
                Ok(gap.saturating_add(bytes.len() as u64))
            };
            charged(&written, all, || write_at(&file, &bytes, offset))
        };
        match spawn_blocking(write).await {
            Ok(count) => Ok(count),
            Err(Charged::System(error)) => Err(error.into()),
            Err(Charged::Over) => Err(self.over("write", &held, Limit::Written)?.into()),
        }
    }

    async fn read_directory(
        &mut self,
        descriptor: Resource<Descriptor>,
    ) -> FsResult<Resource<DirectoryEntryStream>> {
        let folder = Arc::clone(&self.folder(&descriptor)?.dir);
        let asked = self.ask("read-directory", &descriptor, "", Access::ReadOnly)?;
        let (asked, lease) = self.lease(asked)?;
        let listing = Listing::open(folder, lease).await.map_err(FsError::from);
        let listing = asked.end(listing)?;
        let listing = self.table.push(listing)?;
        // The guest's name for it is wasmtime's type; what is behind the number is ours.
        Ok(Resource::new_own(listing.rep()))
    }

    async fn create_directory_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        path: String,
    ) -> FsResult<()> {
        let asked = self.ask("create-directory-at", &descriptor, &path, Access::ReadWrite)?;
        let asked = self.charge_name(asked)?;
        let created = self.stock().create_directory_at(descriptor, path).await;
        if created.is_err() {
            self.refund_name();
        }
        asked.end(created)
    }

    async fn stat(&mut self, descriptor: Resource<Descriptor>) -> FsResult<types::DescriptorStat> {
        self.stock().stat(descriptor).await
    }

    async fn stat_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> FsResult<types::DescriptorStat> {
        let asked = self.ask("stat-at", &descriptor, &path, Access::ReadOnly)?;
        let stat = self.stock().stat_at(descriptor, flags, path).await;
        asked.end(stat)
    }

    async fn set_times_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        let asked = self.ask("set-times-at", &descriptor, &path, Access::ReadWrite)?;
        let (asked, lease) = self.lease(asked)?;
        let folder = self.folder(&descriptor);
        let times = folder
            .and_then(|folder| Ok((Arc::clone(&folder.dir), file_times(&accessed, &modified)?)));
        let (folder, times) = match times {
            Ok(times) => times,
            Err(error) => return asked.end(Err(error)),
        };
        // By the opened file, so that what it is can be asked first: the times of a file with a second name are another's too.
        let set = move || {
            let _lease = lease;
            let how = How {
                follow: flags.contains(PathFlags::SYMLINK_FOLLOW),
                ..How::READ
            };
            let dir = CapDir::from_std_file(folder.try_clone()?);
            match folder::open(&dir, path.as_ref(), how)? {
                Opened::File(file) | Opened::Folder(file) => Ok(file.set_times(times)?),
            }
        };
        match spawn_blocking(set).await {
            Ok(()) => asked.end(Ok(())),
            Err(refused) => Err(asked.refuse(refused)?.into()),
        }
    }

    async fn link_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        _flags: PathFlags,
        old_path: String,
        new_descriptor: Resource<Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        let asked = self.ask_with(
            "link-at",
            &descriptor,
            &old_path,
            Some((Some(&new_descriptor), &new_path)),
            Access::ReadWrite,
        )?;
        Err(asked
            .deny(
                HARD_LINKS,
                "hard links are not made",
                ErrorCode::NotPermitted,
            )?
            .into())
    }

    async fn open_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        let create = open_flags.contains(OpenFlags::CREATE);
        let truncate = open_flags.contains(OpenFlags::TRUNCATE);
        let folder_only = open_flags.contains(OpenFlags::DIRECTORY);
        let writes = create || truncate || flags.contains(DescriptorFlags::WRITE);
        let access = match writes {
            true => Access::ReadWrite,
            false => Access::ReadOnly,
        };
        let asked = self.ask("open-at", &descriptor, &path, access)?;
        let synced = DescriptorFlags::FILE_INTEGRITY_SYNC
            | DescriptorFlags::DATA_INTEGRITY_SYNC
            | DescriptorFlags::REQUESTED_WRITE_SYNC;
        if flags.intersects(synced) {
            return asked.end(Err(ErrorCode::Unsupported.into()));
        }
        if folder_only && (create || truncate || open_flags.contains(OpenFlags::EXCLUSIVE)) {
            return asked.end(Err(ErrorCode::Invalid.into()));
        }
        let (folder, perms) = match self.folder(&descriptor) {
            Ok(folder) => (Arc::clone(&folder.dir), folder.perms),
            Err(error) => return asked.end(Err(error)),
        };
        let (asked, lease) = self.lease(asked)?;
        let opening = Opening {
            how: How {
                read: flags.contains(DescriptorFlags::READ)
                    || !flags.contains(DescriptorFlags::WRITE),
                write: writes,
                create: false,
                exclusive: false,
                follow: path_flags.contains(PathFlags::SYMLINK_FOLLOW),
            },
            create,
            exclusive: open_flags.contains(OpenFlags::EXCLUSIVE),
            truncate,
            folder_only,
            written: self.written()?,
        };
        let mode = opening.mode();
        // The lease goes along: where opening does not come back before the deadline, it goes on counting.
        let open = move || (opening.open(&folder, &path), lease);
        let (opened, lease) = spawn_blocking(open).await;
        match opened {
            Ok(opened) => self.opened(asked, opened, lease, perms, mode),
            Err(Unopened::Refused(refused)) => Err(asked.refuse(refused)?.into()),
            Err(Unopened::NotFolder) => asked.end(Err(ErrorCode::NotDirectory.into())),
            Err(Unopened::Over) => Err(self.deny_limit(asked, Limit::Written)?.into()),
        }
    }

    fn drop(&mut self, descriptor: Resource<Descriptor>) -> wasmtime::Result<()> {
        self.store.held.remove(&descriptor.rep());
        self.table.delete(descriptor)?;
        Ok(())
    }

    async fn readlink_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        path: String,
    ) -> FsResult<String> {
        let asked = self.ask("readlink-at", &descriptor, &path, Access::ReadOnly)?;
        // Where the link is absolute, wasmtime does not tell.
        let link = self.stock().readlink_at(descriptor, path).await;
        asked.end(link)
    }

    async fn remove_directory_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        path: String,
    ) -> FsResult<()> {
        let asked = self.ask("remove-directory-at", &descriptor, &path, Access::ReadWrite)?;
        let removed = self.stock().remove_directory_at(descriptor, path).await;
        asked.end(removed)
    }

    async fn rename_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        old_path: String,
        new_descriptor: Resource<Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        let asked = self.ask_with(
            "rename-at",
            &descriptor,
            &old_path,
            Some((Some(&new_descriptor), &new_path)),
            Access::ReadWrite,
        )?;
        let renamed = self
            .stock()
            .rename_at(descriptor, old_path, new_descriptor, new_path)
            .await;
        asked.end(renamed)
    }

    async fn symlink_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        target: String,
        path: String,
    ) -> FsResult<()> {
        let asked = self.ask_with(
            "symlink-at",
            &descriptor,
            &path,
            Some((None, &target)),
            Access::ReadWrite,
        )?;
        if !stays_below(&target) {
            // Containment would hold for this plugin, but not for other programs that follow it.
            let error = "a symlink may name only what is below its own folder";
            return Err(asked.deny(LEAVES, error, ErrorCode::NotPermitted)?.into());
        }
        let asked = self.charge_name(asked)?;
        let linked = self.stock().symlink_at(descriptor, target, path).await;
        if linked.is_err() {
            self.refund_name();
        }
        asked.end(linked)
    }

    async fn unlink_file_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        path: String,
    ) -> FsResult<()> {
        let asked = self.ask("unlink-file-at", &descriptor, &path, Access::ReadWrite)?;
        let unlinked = self.stock().unlink_file_at(descriptor, path).await;
        asked.end(unlinked)
    }

    async fn is_same_object(
        &mut self,
        one: Resource<Descriptor>,
        other: Resource<Descriptor>,
    ) -> wasmtime::Result<bool> {
        self.stock().is_same_object(one, other).await
    }

    async fn metadata_hash(
        &mut self,
        descriptor: Resource<Descriptor>,
    ) -> FsResult<types::MetadataHashValue> {
        self.stock().metadata_hash(descriptor).await
    }

    async fn metadata_hash_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> FsResult<types::MetadataHashValue> {
        let asked = self.ask("metadata-hash-at", &descriptor, &path, Access::ReadOnly)?;
        let hash = self.stock().metadata_hash_at(descriptor, flags, path).await;
        asked.end(hash)
    }
}

impl types::HostDirectoryEntryStream for Gate<'_> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        let listing = Resource::<Listing>::new_borrow(stream.rep());
        self.table.get_mut(&listing)?.next().await
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> wasmtime::Result<()> {
        self.table
            .delete(Resource::<Listing>::new_own(stream.rep()))?;
        Ok(())
    }
}

impl Gate<'_> {
    fn written(&self) -> FsResult<Written> {
        Ok(self.plugin()?.files.written().clone())
    }

    fn opened(
        &mut self,
        asked: Asked,
        opened: Opened,
        lease: Lease,
        perms: FsPerms,
        mode: OpenMode,
    ) -> FsResult<Resource<Descriptor>> {
        let held = Held {
            name: asked.path.as_str().into(),
            lease: Some(Arc::new(lease)),
            ..asked.held.clone()
        };
        let descriptor = match opened {
            Opened::File(file) => Descriptor::File(File::new(file, perms, mode, false)),
            Opened::Folder(folder) => Descriptor::Dir(Dir::new(folder, perms, mode, false)),
        };
        let descriptor = self.hold(descriptor, held);
        asked.end(descriptor)
    }
}
