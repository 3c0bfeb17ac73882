//! The program on a node that uses a disk: it does what its arguments say, and ends at the first that fails.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::process::ExitCode;

/// The first argument by which this executable is that program.
pub const ARGUMENT: &str = "use-disk";

/// The arguments are a folder and steps such as `write a hello`.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<String> = arguments.map(|argument| argument.into_string().expect("text")).collect();
    let (folder, steps) = arguments.split_first().expect("a folder");
    std::env::set_current_dir(folder).expect("the folder");
    for step in steps {
        if let Err(error) = take(step) {
            println!("{step}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn take(step: &str) -> io::Result<()> {
    let words: Vec<&str> = step.split(' ').collect();
    match words[..] {
        ["write", name, text] => open(name, 0)?.write_all_at(text.as_bytes(), 0),
        ["append", name, text] => OpenOptions::new().append(true).create(true).open(name)?.write_all(text.as_bytes()),
        ["append-dsync", name, text] => {
            let mut options = OpenOptions::new();
            options.append(true).create(true).custom_flags(libc::O_DSYNC).open(name)?.write_all(text.as_bytes())
        }
        ["write-direct", name] => write_direct(name),
        ["replace", name, text] => fs::write(name, text),
        ["truncate", name, length] => open(name, 0)?.set_len(length.parse().expect("a length")),
        ["preallocate", name, length] => {
            let (file, length) = (open(name, 0)?, length.parse().expect("a length"));
            Ok(nix::fcntl::fallocate(&file, nix::fcntl::FallocateFlags::empty(), 0, length)?)
        }
        ["map", name, text] => map(name, text, false),
        ["map-msync", name, text] => map(name, text, true),
        ["sync", name] => File::open(name)?.sync_all(),
        ["datasync", name] => open(name, 0)?.sync_data(),
        ["read", name] => File::open(name)?.read_to_end(&mut Vec::new()).map(drop),
        ["rename", from, to] => fs::rename(from, to),
        ["link", from, to] => fs::hard_link(from, to),
        ["symlink", target, name] => std::os::unix::fs::symlink(target, name),
        ["remove", name] => fs::remove_file(name),
        ["mkdir", name] => fs::create_dir(name),
        ["rmdir", name] => fs::remove_dir(name),
        ["exists", name] => fs::metadata(name).map(drop),
        ["absent", name] if Path::new(name).exists() => Err(io::Error::other("it is there")),
        ["absent", _] => Ok(()),
        _ => panic!("no step: {step}"),
    }
}

fn open(name: &str, flags: i32) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).custom_flags(flags).open(name)
}

/// Writes a whole page past the page cache.
fn write_direct(name: &str) -> io::Result<()> {
    #[repr(align(4096))]
    struct Page([u8; 4096]);
    let page = Box::new(Page([b'x'; 4096]));
    open(name, libc::O_DIRECT)?.write_all_at(&page.0, 0)
}

/// Writes the text over the beginning of the file through memory.
fn map(name: &str, text: &str, is_synced: bool) -> io::Result<()> {
    let file = open(name, 0)?;
    // SAFETY: the file is as long as the text at least, and nobody shortens it; the mapping is not used after it ended.
    unsafe {
        let kind = libc::PROT_READ | libc::PROT_WRITE;
        let place = libc::mmap(std::ptr::null_mut(), text.len(), kind, libc::MAP_SHARED, file.as_raw_fd(), 0);
        if place == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        std::ptr::copy_nonoverlapping(text.as_ptr(), place.cast(), text.len());
        if is_synced && libc::msync(place, text.len(), libc::MS_SYNC) != 0 {
            return Err(io::Error::last_os_error());
        }
        libc::munmap(place, text.len());
    }
    Ok(())
}
