use super::to_text;
extern crate std;
#[test]
fn look() {
    let page = std::fs::read_to_string("/tmp/page.html").unwrap();
    let (text, cut) = to_text(&page, 1 << 20, &|a| Some(std::format!("https://e.org/{a}")));
    std::println!("{text}\n<<{cut}>>");
}
