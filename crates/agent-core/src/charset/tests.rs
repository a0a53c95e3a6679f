//! What bytes come to, charset by charset.
