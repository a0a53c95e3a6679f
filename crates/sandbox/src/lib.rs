//! Other people's tools under hard limits: loads a third-party WebAssembly plugin, runs its tools under limits that no path goes
//! around, gives it only what a policy grants, and leaves a trail that can be verified.

pub mod audit;
pub mod egress;
pub mod engine;
pub mod files;
pub mod limits;
pub mod policy;
pub mod sandbox;
