//! The programs that run on the nodes: one pours bytes into a connection, the other takes them and says whether they are right.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

pub const SINK: &str = "play-sink";
pub const POUR: &str = "play-pour";
const PORT: u16 = 4000;

/// What stands at a place of the stream.
fn byte_at(place: u64) -> u8 {
    (place.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

/// Takes streams, and answers each with how many bytes were right before the first that was not.
pub fn sink() -> ExitCode {
    let listener = TcpListener::bind(("0.0.0.0", PORT)).expect("the port is free");
    println!("ready");
    for stream in listener.incoming().flatten() {
        thread::spawn(move || take(stream));
    }
    ExitCode::SUCCESS
}

fn take(mut stream: TcpStream) -> std::io::Result<()> {
    let (mut place, mut buffer) = (0, vec![0; 64 << 10]);
    loop {
        match stream.read(&mut buffer)? {
            0 => break,
            length => {
                let expected = (place..).map(byte_at);
                if !buffer[..length].iter().zip(expected).all(|(byte, expected)| *byte == expected) {
                    break;
                }
                place += length as u64;
            }
        }
    }
    stream.write_all(&place.to_le_bytes())
}

/// Pours so many bytes to a host, waits until all have arrived there, and prints how many were right and how long it took in
/// microseconds.
pub fn pour(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let mut next = || arguments.next().expect("host and number of bytes").into_string().expect("text");
    let (host, bytes): (String, u64) = (next(), next().parse().expect("a number"));
    let contents: Vec<u8> = (0..bytes).map(byte_at).collect();
    let mut stream = TcpStream::connect((host, PORT)).expect("the other listens");
    let begin = Instant::now();
    stream.write_all(&contents).expect("the connection takes it");
    stream.shutdown(Shutdown::Write).expect("the connection ends");
    let mut right = [0; 8];
    stream.read_exact(&mut right).expect("the other answers");
    println!("{} {}", u64::from_le_bytes(right), begin.elapsed().as_micros());
    ExitCode::SUCCESS
}
