//! Modules and instances, over the bindings of WAMR's C interface.

#![allow(
    unsafe_code,
    reason = "calls of WAMR's C interface; what it demands is held by the types here"
)]

use std::cell::UnsafeCell;
use std::ffi::{CStr, CString, OsString, c_char};
use std::os::unix::ffi::OsStrExt as _;
use std::ptr;
use std::rc::Rc;
use std::sync::OnceLock;

use wamrx_sys as sys;

use crate::{CallError, Grants, InstantiateError, LoadError, OutOfBounds};

/// A page of linear memory, in bytes.
pub const PAGE: usize = 65_536;

/// A module that WAMR has accepted. Copies are the same module.
#[derive(Clone)]
pub struct Module(Rc<Loaded>);

struct Loaded {
    raw: sys::wasm_module_t,
    /// WAMR keeps pointers into the file and writes to it.
    _bytes: Box<UnsafeCell<[u8]>>,
}

/// A module with memory and grants of its own.
pub struct Instance {
    raw: sys::wasm_module_inst_t,
    arguments: Vec<CString>,
    /// Outlives `raw`, which points into it.
    _module: Module,
}

/// What an export takes or gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// 32 bits.
    I32(i32),
    /// 64 bits.
    I64(i64),
}

impl Value {
    fn kind(&self) -> u8 {
        match self {
            Value::I32(_) => sys::WASM_I32 as u8,
            Value::I64(_) => sys::WASM_I64 as u8,
        }
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Value::I32(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::I64(value)
    }
}

/// WAMR, started once for the whole process and never stopped: instances may be on any thread.
fn start() -> Result<(), LoadError> {
    static STARTED: OnceLock<bool> = OnceLock::new();
    // SAFETY: called once, before any other function of WAMR, since all of them need a module.
    if *STARTED.get_or_init(|| unsafe { sys::wasm_runtime_init() }) {
        Ok(())
    } else {
        Err(LoadError::Runtime)
    }
}

/// Major, minor and patch version of WAMR.
#[must_use]
pub fn version() -> (u32, u32, u32) {
    let (mut major, mut minor, mut patch) = (0, 0, 0);
    // SAFETY: writes the three numbers and keeps no pointer.
    unsafe { sys::wasm_runtime_get_version(&mut major, &mut minor, &mut patch) };
    (major, minor, patch)
}

/// How much WAMR prints of itself to standard output: 0 fatal, 1 errors, 2 warnings (as at the start), 3 debug, 4 all.
pub fn set_log_level(level: u32) {
    // SAFETY: sets a number that is compared with.
    unsafe { sys::wasm_runtime_set_log_level(level) };
}

impl Module {
    /// Loads a core module. Components are refused: `unknown binary version`.
    pub fn load(bytes: Vec<u8>) -> Result<Self, LoadError> {
        start()?;
        let size = u32::try_from(bytes.len()).map_err(|_| LoadError::TooLarge)?;
        let bytes: Box<[u8]> = bytes.into();
        // SAFETY: UnsafeCell<[u8]> has the layout of [u8], and the box is handed on whole.
        let bytes = unsafe { Box::from_raw(Box::into_raw(bytes) as *mut UnsafeCell<[u8]>) };
        let mut text = Text::new();
        // SAFETY: the bytes are WAMR's to write to until the module is unloaded, and `Loaded` keeps them that long.
        let raw = unsafe {
            sys::wasm_runtime_load(bytes.get().cast::<u8>(), size, text.pointer(), Text::SIZE)
        };
        if raw.is_null() {
            return Err(LoadError::Refused(text.read()));
        }
        Ok(Module(Rc::new(Loaded { raw, _bytes: bytes })))
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        // SAFETY: loaded once, unloaded once, and no instance is left: each holds the Rc that keeps this.
        unsafe { sys::wasm_runtime_unload(self.raw) };
    }
}

impl Instance {
    /// Instantiates a module, and runs its start function and `_initialize`, if it has them.
    pub fn new(module: &Module, grants: &Grants) -> Result<Self, InstantiateError> {
        let arguments = c_strings(&grants.arguments)?;
        let raw = {
            let lists = Lists {
                environment: c_strings(&grants.environment)?,
                folders: c_strings(&grants.folders)?,
                mapped_folders: c_strings(&grants.mapped_folders)?,
                addresses: c_strings(&grants.addresses)?,
                names: c_strings(&grants.names)?,
            };
            instantiate(module, grants, &arguments, &lists)?
        };
        let instance = Instance {
            raw,
            arguments,
            _module: module.clone(),
        };
        let starts = instance.pages();
        match grants.max_memory_pages {
            Some(cap) if starts > cap => Err(InstantiateError::MemoryCap { starts, cap }),
            _ => Ok(instance),
        }
    }

    /// Runs the module as a command: `_start`, or else `main`. Gives the code that it exited with.
    pub fn run(&mut self) -> Result<u32, CallError> {
        let mut arguments = mutable_pointers(&self.arguments);
        let count = arguments.len() as i32;
        // SAFETY: the strings live in `self`; `main` of a module without WASI writes its result over the first
        // pointer, which nobody reads again.
        unsafe {
            sys::wasm_application_execute_main(self.raw, count, arguments.as_mut_ptr());
        }
        self.outcome()
    }

    /// Calls an export as iwasm's `-f` does: the arguments are text, and the results are printed to standard output.
    pub fn run_function(&mut self, name: &str, arguments: &[OsString]) -> Result<u32, CallError> {
        let missing = || CallError::Missing(name.to_owned());
        let c_name = CString::new(name).map_err(|_| missing())?;
        let mut arguments = c_strings(arguments).map_err(|_| missing())?;
        let mut pointers: Vec<_> = arguments
            .iter_mut()
            .map(|argument| argument.as_ptr().cast_mut())
            .collect();
        // SAFETY: name and arguments live until the call returns.
        unsafe {
            sys::wasm_application_execute_func(
                self.raw,
                c_name.as_ptr(),
                pointers.len() as i32,
                pointers.as_mut_ptr(),
            );
        }
        self.outcome()
    }

    fn outcome(&self) -> Result<u32, CallError> {
        match self.exception() {
            Some(exception) => Err(CallError::Trap(exception)),
            None => Ok(self.exit_code()),
        }
    }

    /// The code of the guest's last `proc_exit`; 0 before one.
    fn exit_code(&self) -> u32 {
        // SAFETY: every instance that `instantiate` made has a WASI context.
        unsafe { sys::wasm_runtime_get_wasi_exit_code(self.raw) }
    }

    /// Calls an export that takes and gives values of type i32.
    pub fn call(&mut self, name: &str, arguments: &[i32]) -> Result<Vec<i32>, CallError> {
        let (takes, gives) = self.signature(self.function(name)?);
        if gives.iter().any(|kind| u32::from(*kind) != sys::WASM_I32) {
            return Err(CallError::Signature {
                name: name.to_owned(),
                takes: takes.len() as u32,
                given: arguments.len(),
            });
        }
        let arguments: Vec<Value> = arguments.iter().map(|value| Value::I32(*value)).collect();
        let narrow = |value| match value {
            Value::I32(value) => value,
            Value::I64(value) => value as i32,
        };
        let results = self.call_with(name, &arguments)?;
        Ok(results.into_iter().map(narrow).collect())
    }

    /// Calls an export that takes and gives integers of either width.
    pub fn call_with(&mut self, name: &str, arguments: &[Value]) -> Result<Vec<Value>, CallError> {
        let function = self.function(name)?;
        let (takes, gives) = self.signature(function);
        let kinds: Vec<u8> = arguments.iter().map(Value::kind).collect();
        let integers = |kind: &u8| [sys::WASM_I32, sys::WASM_I64].contains(&u32::from(*kind));
        if takes != kinds || !gives.iter().all(integers) {
            return Err(CallError::Signature {
                name: name.to_owned(),
                takes: takes.len() as u32,
                given: arguments.len(),
            });
        }
        // An i64 takes two cells.
        let mut cells: Vec<u32> = Vec::new();
        for argument in arguments {
            match argument {
                Value::I32(value) => cells.push(*value as u32),
                Value::I64(value) => cells.extend([*value as u32, (*value >> 32) as u32]),
            }
        }
        let given = cells.len() as u32;
        // The results overwrite the arguments.
        cells.resize(cells.len().max(2 * gives.len()), 0);
        // SAFETY: the instance is ours, and not in a call, since `self` is borrowed mutably; the cells suffice for
        // either direction.
        let returned = unsafe {
            // WAMR would take one of an earlier call for this one's.
            sys::wasm_runtime_clear_exception(self.raw);
            let environment = sys::wasm_runtime_get_exec_env_singleton(self.raw);
            !environment.is_null()
                && sys::wasm_runtime_call_wasm(environment, function, given, cells.as_mut_ptr())
        };
        if returned {
            let mut cells = cells.into_iter();
            let mut next = || cells.next().unwrap_or_default();
            let value = |kind: &u8| match u32::from(*kind) {
                sys::WASM_I32 => Value::I32(next() as i32),
                _ => Value::I64(i64::from(next()) | i64::from(next()) << 32),
            };
            return Ok(gives.iter().map(value).collect());
        }
        let exception = self
            .exception()
            .unwrap_or_else(|| "Exception: create singleton exec_env failed".to_owned());
        if exception.ends_with("wasi proc exit") {
            return Err(CallError::Exit(self.exit_code()));
        }
        Err(CallError::Trap(exception))
    }

    /// Whether the module exports a function of this name.
    #[must_use]
    pub fn exports(&self, name: &str) -> bool {
        self.function(name).is_ok()
    }

    fn function(&self, name: &str) -> Result<sys::wasm_function_inst_t, CallError> {
        let missing = || CallError::Missing(name.to_owned());
        let c_name = CString::new(name).map_err(|_| missing())?;
        // SAFETY: the name lives until the call returns.
        let function = unsafe { sys::wasm_runtime_lookup_function(self.raw, c_name.as_ptr()) };
        if function.is_null() {
            Err(missing())
        } else {
            Ok(function)
        }
    }

    fn signature(&self, function: sys::wasm_function_inst_t) -> (Vec<u8>, Vec<u8>) {
        // SAFETY: the function is one of this instance, and each list is as long as WAMR says.
        unsafe {
            let mut takes = vec![0; sys::wasm_func_get_param_count(function, self.raw) as usize];
            sys::wasm_func_get_param_types(function, self.raw, takes.as_mut_ptr());
            let mut gives = vec![0; sys::wasm_func_get_result_count(function, self.raw) as usize];
            sys::wasm_func_get_result_types(function, self.raw, gives.as_mut_ptr());
            (takes, gives)
        }
    }

    /// WAMR's text of what ended the last call, if it did not return: `Exception: …`.
    #[must_use]
    pub fn exception(&self) -> Option<String> {
        // SAFETY: null, or a string in the instance that is copied before anything can change it.
        unsafe {
            let text = sys::wasm_runtime_get_exception(self.raw);
            (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
        }
    }

    /// Linear memory in pages of 64 KiB, as it is now. (WAMR cuts the memory of a module that never grows it down to
    /// what it uses; that counts as a page begun.)
    #[must_use]
    pub fn pages(&self) -> u32 {
        self.memory().len().div_ceil(PAGE) as u32
    }

    /// Linear memory, whole.
    #[must_use]
    pub fn memory(&self) -> &[u8] {
        match self.extent() {
            // SAFETY: the memory moves or grows only in a call, which borrows `self` mutably.
            Some((base, size)) => unsafe { std::slice::from_raw_parts(base, size) },
            None => &[],
        }
    }

    /// Bytes of the guest's memory.
    pub fn read(&self, at: u32, length: u32) -> Result<&[u8], OutOfBounds> {
        let (length, memory) = (length as usize, self.memory());
        (at as usize)
            .checked_add(length)
            .and_then(|end| memory.get(at as usize..end))
            .ok_or(OutOfBounds {
                at,
                length,
                size: memory.len(),
            })
    }

    /// Writes to the guest's memory: all of the bytes, or none.
    pub fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), OutOfBounds> {
        let memory = match self.extent() {
            // SAFETY: as in `memory`, and `self` is borrowed mutably.
            Some((base, size)) => unsafe { std::slice::from_raw_parts_mut(base, size) },
            None => &mut [],
        };
        let (length, size) = (bytes.len(), memory.len());
        (at as usize)
            .checked_add(length)
            .and_then(|end| memory.get_mut(at as usize..end))
            .ok_or(OutOfBounds { at, length, size })?
            .copy_from_slice(bytes);
        Ok(())
    }

    fn extent(&self) -> Option<(*mut u8, usize)> {
        // SAFETY: the memory is one of this instance; a module without one has none, and one without pages may have
        // no address.
        unsafe {
            let memory = sys::wasm_runtime_get_default_memory(self.raw);
            if memory.is_null() {
                return None;
            }
            let size = sys::wasm_memory_get_cur_page_count(memory)
                * sys::wasm_memory_get_bytes_per_page(memory);
            let base = sys::wasm_memory_get_base_address(memory).cast::<u8>();
            (!base.is_null() && size > 0).then_some((base, size as usize))
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: instantiated once, ended once; the module is dropped after it.
        unsafe { sys::wasm_runtime_deinstantiate(self.raw) };
    }
}

/// The grants as C takes them.
struct Lists {
    environment: Vec<CString>,
    folders: Vec<CString>,
    mapped_folders: Vec<CString>,
    addresses: Vec<CString>,
    names: Vec<CString>,
}

fn instantiate(
    module: &Module,
    grants: &Grants,
    arguments: &[CString],
    lists: &Lists,
) -> Result<sys::wasm_module_inst_t, InstantiateError> {
    let refused = |text: &str| InstantiateError::Refused(text.to_owned());
    let mut text = Text::new();
    let mut argument_pointers = mutable_pointers(arguments);
    let mut environment = pointers(&lists.environment);
    let mut folders = pointers(&lists.folders);
    let mut mapped_folders = pointers(&lists.mapped_folders);
    let mut addresses = pointers(&lists.addresses);
    let mut names = pointers(&lists.names);
    // SAFETY: the lists and their strings live until this returns, and WAMR copies what it keeps of them while it
    // instantiates.
    let raw = unsafe {
        let mut args = ptr::null_mut();
        if !sys::wasm_runtime_instantiation_args_create(&mut args) {
            return Err(refused("failed to create instantiate args"));
        }
        sys::wasm_runtime_instantiation_args_set_default_stack_size(args, grants.stack_size);
        sys::wasm_runtime_instantiation_args_set_host_managed_heap_size(args, grants.heap_size);
        sys::wasm_runtime_instantiation_args_set_max_memory_pages(
            args,
            grants.max_memory_pages.unwrap_or(0),
        );
        sys::wasm_runtime_instantiation_args_set_wasi_arg(
            args,
            argument_pointers.as_mut_ptr(),
            argument_pointers.len() as i32,
        );
        sys::wasm_runtime_instantiation_args_set_wasi_env(
            args,
            environment.as_mut_ptr(),
            environment.len() as u32,
        );
        sys::wasm_runtime_instantiation_args_set_wasi_dir(
            args,
            folders.as_mut_ptr(),
            folders.len() as u32,
            mapped_folders.as_mut_ptr(),
            mapped_folders.len() as u32,
        );
        let [input, output, error] = grants.stdio.map(i64::from);
        sys::wasm_runtime_instantiation_args_set_wasi_stdio(args, input, output, error);
        sys::wasm_runtime_instantiation_args_set_wasi_addr_pool(
            args,
            addresses.as_mut_ptr(),
            addresses.len() as u32,
        );
        sys::wasm_runtime_instantiation_args_set_wasi_ns_lookup_pool(
            args,
            names.as_mut_ptr(),
            names.len() as u32,
        );
        let raw = sys::wasm_runtime_instantiate_ex2(module.0.raw, args, text.pointer(), Text::SIZE);
        sys::wasm_runtime_instantiation_args_destroy(args);
        raw
    };
    if raw.is_null() {
        return Err(InstantiateError::Refused(text.read()));
    }
    Ok(raw)
}

/// Where WAMR writes what went wrong: as many bytes as in iwasm, which cuts the text off.
struct Text([u8; Text::SIZE as usize]);

impl Text {
    const SIZE: u32 = 128;

    fn new() -> Self {
        Text([0; Self::SIZE as usize])
    }

    fn pointer(&mut self) -> *mut c_char {
        self.0.as_mut_ptr().cast()
    }

    fn read(&self) -> String {
        let end = self.0.iter().position(|byte| *byte == 0);
        String::from_utf8_lossy(&self.0[..end.unwrap_or(self.0.len())]).into_owned()
    }
}

fn c_strings(texts: &[OsString]) -> Result<Vec<CString>, InstantiateError> {
    texts
        .iter()
        .map(|text| {
            CString::new(text.as_bytes()).map_err(|_| InstantiateError::ZeroByte(text.clone()))
        })
        .collect()
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|string| string.as_ptr()).collect()
}

/// C's `argv`, which WAMR takes without `const` and only reads.
fn mutable_pointers(strings: &[CString]) -> Vec<*mut c_char> {
    strings
        .iter()
        .map(|string| string.as_ptr().cast_mut())
        .collect()
}
