//! Prints a line and the length of one file: about the least that a guest can do with its grants.

fn main() {
    match std::fs::read("notes.txt") {
        Ok(notes) => println!("hello, {} bytes", notes.len()),
        Err(error) => println!("hello, no notes.txt: {error}"),
    }
}
