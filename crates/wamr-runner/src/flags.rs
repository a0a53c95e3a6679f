//! The flags, as iwasm 2.4 takes them, and ours.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use wamr_runner::Grants;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Runs a WebAssembly core module in WAMR, as iwasm does.

Usage: wamr-runner [FLAG]... FILE.wasm [ARGUMENT]...

Flags of iwasm (each of those that grant something up to 8 times, as there):
  --dir=FOLDER             the guest may use FOLDER and sees it under this name
  --map-dir=GUEST::HOST    the guest may use the folder HOST and sees it as GUEST
  --env=NAME=VALUE         a variable of the guest's environment
  --addr-pool=IP/BITS,...  the guest may connect to these addresses
  --allow-resolve=NAME     the guest may look up NAME; *.NAME is all below it, * all there are
  --stack-size=BYTES       WAMR's stack of operands and frames (65536)
  --heap-size=BYTES        a heap that WAMR adds to linear memory (0)
  -f, --function NAME      call the export NAME with the arguments and print its results
  -v=LEVEL                 what WAMR prints of itself, 0 to 5 (2: warnings)
  --interp                 accepted: there is nothing but the interpreter here
  --version                the version

Flags of our own:
  --max-memory-pages=N     linear memory may grow to N pages of 64 KiB; then memory.grow gives -1
  --stats                  at the end, one line of JSON on standard error: memory_pages, linear memory
                           now in pages of 64 KiB; peak_rss_kib, the most memory the process has used
  --help                   this text

Exit code: the guest's. 1 when it traps (the exception is on standard output, as iwasm's is) and for
flags that are not understood; 255 when the file is not loaded or not instantiated (the reason is on
standard output).
";

/// How many grants of one kind iwasm takes.
const MOST: usize = 8;

/// What the command line asks for in place of a run.
#[derive(Debug)]
pub(crate) enum Instead {
    /// The help, and this exit code.
    Help(u8),
    /// The version.
    Version,
    /// To say this and to stop.
    Refused(String),
}

/// A run.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// The file, as typed.
    pub(crate) file: OsString,
    /// Its grants; the first argument is the file.
    pub(crate) grants: Grants,
    /// An export to call in place of `_start`.
    pub(crate) function: Option<String>,
    /// What WAMR may print of itself.
    pub(crate) log_level: Option<u32>,
    /// Whether to print what it took.
    pub(crate) stats: bool,
}

/// Reads the arguments, without the program's name.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Options, Instead> {
    let mut arguments = arguments.into_iter().peekable();
    let mut options = Options::default();
    while let Some(argument) = arguments.next_if(|argument| argument.as_bytes().starts_with(b"-")) {
        let taken = match argument.as_bytes() {
            b"-f" | b"--function" => match arguments.next() {
                // As in iwasm, a name without a file after it is no name.
                Some(name) if arguments.peek().is_some() => {
                    options.function = Some(name.to_string_lossy().into_owned());
                    Ok(())
                }
                _ => Err(Instead::Help(1)),
            },
            b"--interp" => Ok(()),
            b"--stats" => {
                options.stats = true;
                Ok(())
            }
            b"--version" => Err(Instead::Version),
            b"--help" => Err(Instead::Help(0)),
            other => with_value(other, &mut options),
        };
        taken?;
    }
    options.grants.arguments = arguments.collect();
    match options.grants.arguments.first() {
        Some(file) => options.file = file.clone(),
        None => return Err(Instead::Help(1)),
    }
    Ok(options)
}

/// Takes a flag of the form `--name=value`.
fn with_value(argument: &[u8], options: &mut Options) -> Result<(), Instead> {
    let help = || Err(Instead::Help(1));
    let Some(equals) = argument.iter().position(|byte| *byte == b'=') else {
        return help();
    };
    let (name, value) = (&argument[..equals], &argument[equals + 1..]);
    if value.is_empty() {
        return help();
    }
    let grants = &mut options.grants;
    match name {
        b"--dir" => add(&mut grants.folders, value, "dir"),
        b"--map-dir" => add(&mut grants.mapped_folders, value, "map dir"),
        b"--env" => match value.iter().position(|byte| *byte == b'=') {
            None | Some(0) => Err(Instead::Refused(format!(
                "Wasm parse env string failed: expect \"key=value\", got \"{}\"\n{HELP}",
                OsStr::from_bytes(value).display()
            ))),
            Some(_) => add(&mut grants.environment, value, "env"),
        },
        b"--addr-pool" => value
            .split(|byte| *byte == b',')
            .filter(|entry| !entry.is_empty())
            .try_for_each(|entry| add(&mut grants.addresses, entry, "address")),
        b"--allow-resolve" => add(&mut grants.names, value, "ns lookup"),
        b"--stack-size" => {
            grants.stack_size = leading_number(value);
            Ok(())
        }
        b"--heap-size" => {
            grants.heap_size = leading_number(value);
            Ok(())
        }
        b"-v" => match leading_number(value) {
            level @ 0..=5 => {
                options.log_level = Some(level);
                Ok(())
            }
            _ => help(),
        },
        b"--max-memory-pages" => {
            let number = std::str::from_utf8(value)
                .ok()
                .and_then(|text| text.parse().ok());
            match number {
                Some(pages @ 1..=65_536) => {
                    grants.max_memory_pages = Some(pages);
                    Ok(())
                }
                _ => Err(Instead::Refused(format!(
                    "--max-memory-pages={}: give a number from 1 to 65536",
                    OsStr::from_bytes(value).display()
                ))),
            }
        }
        _ => help(),
    }
}

fn add(list: &mut Vec<OsString>, value: &[u8], what: &str) -> Result<(), Instead> {
    if list.len() == MOST {
        return Err(Instead::Refused(format!(
            "Only allow max {what} number {MOST}"
        )));
    }
    list.push(OsString::from_vec(value.to_vec()));
    Ok(())
}

/// The number at the beginning, as C's `atoi` reads it; 0 if there is none.
fn leading_number(value: &[u8]) -> u32 {
    value
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0, |number: u32, byte| {
            number
                .saturating_mul(10)
                .saturating_add(u32::from(byte - b'0'))
        })
}
