//! Character references: `&amp;`, `&#233;`, `&#xe9;`, and those that lack their semicolon.

use crate::charset::{WINDOWS_1252, code_point};

/// The names that are known, each followed by its character, by their first letter in either case.
///
/// Those of Latin-1, the Greek letters and common symbols; the standard has 2,231, most of them for mathematics.
/// A capital letter is left out where its name is the small letter's with a capital: `Agrave`, `Alpha`.
/// <https://html.spec.whatwg.org/multipage/named-characters.html>
const NAMES: &str = "\
    aacuteáacircâacute´AEligÆaeligæagraveàalphaαAMP&amp&and∧ang∠apos'aringåasymp≈atildeãaumläbdquo„betaβbrvbar¦\
    bull•cap∩ccedilçcedil¸cent¢chiχcircˆclubs♣COPY©copy©crarr↵cup∪curren¤Dagger‡dagger†darr↓deg°deltaδdiams♦\
    divide÷eacuteéecircêegraveèempty∅emsp\u{2003}ensp\u{2002}epsilonεequiv≡etaηETHÐethðeumlëeuro€exist∃fnofƒ\
    forall∀frac12½frac14¼frac34¾gammaγge≥GT>gt>hArr⇔harr↔hearts♥hellip…iacuteíicircîiexcl¡igraveìinfin∞int∫iotaι\
    iquest¿isin∈iumlïkappaκlambdaλlaquo«lArr⇐larr←ldquo“le≤loz◊lrm\u{200e}lsaquo‹lsquo‘LT<lt<macr¯mdash—microµ\
    middot·minus−muμnabla∇nbsp\u{a0}ndash–ne≠not¬notin∉ntildeñnuνoacuteóocircôOEligŒoeligœograveòomegaωomicronο\
    or∨ordfªordmºoslashøotildeõoumlöpara¶part∂permil‰perp⊥phiφpiπplusmn±pound£Prime″prime′prod∏prop∝psiψQUOT\"\
    quot\"radic√raquo»rArr⇒rarr→rdquo”REG®reg®rhoρrlm\u{200f}rsaquo›rsquo’sbquo‚ScaronŠscaronšsdot⋅sect§\
    shy\u{ad}sigmaσsigmafςsim∼spades♠sub⊂sum∑sup⊃sup1¹sup2²sup3³szligßtauτthere4∴thetaθthinsp\u{2009}THORNÞ\
    thornþtilde˜times×trade™uacuteúuarr↑ucircûugraveùuml¨upsilonυuumlüxiξyacuteýyen¥YumlŸyumlÿzetaζzwj\u{200d}\
    zwnj\u{200c}";

/// [`NAMES`] as it is searched: the last letter of a name has its highest bit set, and its character's two bytes follow.
/// So has the first letter of one that names a capital too.
const PACKED: [u8; packed_length()] = packed();

/// Where the names that begin with a letter begin in [`PACKED`], and where the last end.
const STARTS: [u16; 27] = starts();

/// The character that is meant at the beginning of `text`, which is an ampersand, and the bytes that say so.
///
/// In an address an old name without its semicolon is not one if a word goes on: `?a=1&copy=2`.
pub(super) fn reference(text: &[u8], in_address: bool) -> Option<(char, usize)> {
    let first = *text.get(1)?;
    if first == b'#' {
        return number(text);
    }
    let letter = usize::from((first | 0x20).wrapping_sub(b'a'));
    let mut at = usize::from(*STARTS.get(letter)?);
    let end = usize::from(*STARTS.get(letter + 1)?);
    let mut found = None;
    let mut longest = 0;
    while at < end {
        let initial = *PACKED.get(at)?;
        let mut matches = true;
        let mut length = 1;
        loop {
            at += 1;
            length += 1;
            let letter = *PACKED.get(at)?;
            matches &= text.get(length) == Some(&(letter & 0x7f));
            if letter > 0x7f {
                break;
            }
        }
        length += 1;
        let mut code = u32::from(*PACKED.get(at + 1)?) | u32::from(*PACKED.get(at + 2)?) << 8;
        at += 3;
        if initial & 0x7f != first {
            // Of the letters that have one, a capital's number is 0x20 before its small letter's.
            matches &= initial == first | 0xa0;
            code -= 0x20;
        }
        let next = text.get(length).copied().unwrap_or_default();
        // The names of HTML 2 and 3.2 never needed their semicolon. The longest is meant.
        let is_old = code <= 0xff && code != u32::from(b'\'');
        let goes_on = in_address && (next == b'=' || next.is_ascii_alphanumeric());
        if matches && length > longest && (next == b';' || is_old && !goes_on) {
            longest = length;
            found = char::from_u32(code)
                .map(|character| (character, length + usize::from(next == b';')));
        }
    }
    found
}

/// A numeric reference, which begins with `&#`.
fn number(text: &[u8]) -> Option<(char, usize)> {
    let (radix, first) = if *text.get(2)? | 0x20 == b'x' {
        (16, 3)
    } else {
        (10, 2)
    };
    let (mut code, mut length) = digits(text.get(first..)?, radix);
    if length == 0 {
        return None;
    }
    if let Some(windows) = WINDOWS_1252.get((code as usize).wrapping_sub(0x80)) {
        // Written by people whose editor said Latin-1 and meant windows-1252.
        code = (*windows).into();
    }
    let character = char::from_u32(code).filter(|character| *character != '\0');
    length += first;
    length += usize::from(text.get(length) == Some(&b';'));
    Some((character.unwrap_or(char::REPLACEMENT_CHARACTER), length))
}

/// The number that a text begins with, or any above that of the last character, and how many digits it has.
pub(super) fn digits(text: &[u8], radix: u32) -> (u32, usize) {
    let mut number = 0;
    let mut length = 0;
    while let Some(byte) = text.get(length)
        && let Some(digit) = char::from(*byte).to_digit(radix)
    {
        if number <= char::MAX as u32 {
            number = number * radix + digit;
        }
        length += 1;
    }
    (number, length)
}

const fn packed_length() -> usize {
    let names = NAMES.as_bytes();
    let mut length = 0;
    let mut at = 0;
    while at < names.len() {
        if names[at].is_ascii_alphanumeric() {
            length += 1;
        } else if names[at - 1].is_ascii_alphanumeric() {
            length += 2;
        }
        at += 1;
    }
    length
}

const fn packed() -> [u8; packed_length()] {
    let names = NAMES.as_bytes();
    let mut packed = [0; packed_length()];
    let mut initial = 0;
    let mut length = 0;
    let mut at = 0;
    while at < names.len() {
        if names[at].is_ascii_alphanumeric() {
            packed[length] = names[at];
            length += 1;
            at += 1;
            continue;
        }
        let (code, next) = code_point(names, at);
        // `AElig`, `ETH` and `Divide` are not named so.
        if matches!(code, 0xe0..=0xfd | 0x3b1..=0x3c9)
            && !matches!(code, 0xe6 | 0xf0 | 0xf7 | 0x3c2)
        {
            packed[initial] |= 0x80;
        }
        packed[length - 1] |= 0x80;
        packed[length] = code as u8;
        packed[length + 1] = (code >> 8) as u8;
        length += 2;
        initial = length;
        at = next;
    }
    packed
}

const fn starts() -> [u16; 27] {
    let mut starts = [PACKED.len() as u16; 27];
    let mut letter = 0;
    let mut at = 0;
    while at < PACKED.len() {
        while letter <= (PACKED[at] & 0x7f | 0x20) - b'a' {
            starts[letter as usize] = at as u16;
            letter += 1;
        }
        at += 1;
        while PACKED[at] < 0x80 {
            at += 1;
        }
        at += 3;
    }
    starts
}
