//! The process that is a node's disk: asked over its standard input by the agent, it mounts, fails and loses power.
//!
//! It is a process of its own, because a process that waits for its own file system could not be killed any more.

use super::gate::{Gate, Power};
use super::volume::Volume;
use super::{DiskAnswer, DiskAsk, DiskSpec, mount, shell};
use crate::agent::protocol::{self, Answer, Ask, Message, Request, Trouble, Unframer};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};
use std::fs::{self, DirBuilder};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

/// The argument after [`crate::agent::ARGUMENT`] that makes the executable a disk.
pub(crate) const ARGUMENT: &str = "disk";

/// Serves until the input ends.
pub(crate) fn run() -> ExitCode {
    match io::stdin().as_fd().try_clone_to_owned().and_then(|socket| serve(UnixStream::from(socket))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("squall disk: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(mut socket: UnixStream) -> io::Result<()> {
    // Modes are masked by the kernel before it asks for them.
    umask(Mode::empty());
    // Whatever is known is kept open.
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, most, most);
    }
    let (mut unframer, mut buffer, mut disk) = (Unframer::default(), [0; 4 << 10], None);
    loop {
        while let Some(Request { id, ask }) = unframer.next()? {
            let answer = match ask {
                Ask::Disk(ask) => obey(&mut disk, &ask).map_err(|error| Trouble::refused(ask.to_string(), error)),
                _ => Err(Trouble::refused("a disk", "it can do nothing of this kind")),
            };
            socket.write_all(&protocol::frame(&Message::Answer { id, answer: answer.map(Answer::Disk) })?)?;
        }
        match socket.read(&mut buffer)? {
            0 => break,
            length => unframer.push(&buffer[..length]),
        }
    }
    disk.map_or(Ok(()), |disk: Disk| mount::down(&disk.spec.folder))
}

/// A disk that is mounted.
struct Disk {
    spec: DiskSpec,
    volume: Arc<Mutex<Volume>>,
    gate: Arc<Gate>,
}

fn obey(disk: &mut Option<Disk>, ask: &DiskAsk) -> io::Result<DiskAnswer> {
    if let DiskAsk::Mount(spec) = ask {
        if disk.is_some() {
            return Err(io::Error::other("it is mounted already"));
        }
        *disk = Some(Disk::mount(spec)?);
        return Ok(DiskAnswer::Done);
    }
    let disk = disk.as_ref().ok_or_else(|| io::Error::other("mount it first"))?;
    match ask {
        DiskAsk::Switch(switches) => Ok(DiskAnswer::Counted(disk.gate.switch(*switches))),
        DiskAsk::Count => Ok(DiskAnswer::Counted(disk.gate.counters())),
        DiskAsk::Freeze => Ok(disk.power(Power::Frozen)),
        DiskAsk::PowerOff => Ok(disk.power(Power::Off)),
        DiskAsk::PowerOn { torn } => disk.power_on(*torn),
        DiskAsk::Mount(_) => Err(io::Error::other("it is mounted already")),
    }
}

impl Disk {
    fn mount(spec: &DiskSpec) -> io::Result<Disk> {
        if !spec.folder.exists() {
            fs::create_dir_all(spec.folder.parent().unwrap_or(&spec.folder))?;
            // Some servers complain of data that others may read.
            DirBuilder::new().mode(0o700).create(&spec.folder)?;
        }
        // Opened before it is mounted over: afterwards the path leads here.
        let volume = Volume::open(&spec.folder, &spec.attic, spec.model)?;
        let disk = Disk { spec: spec.clone(), volume: Arc::new(Mutex::new(volume)), gate: Arc::default() };
        disk.come_up()?;
        Ok(disk)
    }

    fn come_up(&self) -> io::Result<()> {
        let device = mount::up(&self.spec.folder)?;
        shell::serve(device, self.volume.clone(), self.gate.clone())
    }

    fn power(&self, power: Power) -> DiskAnswer {
        self.gate.power(power);
        DiskAnswer::Done
    }

    /// Takes the mount away, loses what was not synced, and mounts anew: the kernel remembers nothing, as after a boot.
    fn power_on(&self, torn: Option<u64>) -> io::Result<DiskAnswer> {
        self.gate.power(Power::Off);
        mount::down(&self.spec.folder)?;
        let loss = self.volume.lock().unwrap_or_else(PoisonError::into_inner).cut_power(torn)?;
        self.gate.power(Power::On);
        self.come_up()?;
        Ok(DiskAnswer::Lost(loss))
    }
}
