//! The whole program, as others see it: the real binary, HTTP, a real file, a test clock.
//!
//! [`harness`] starts and stops it, [`stories`] are lives of customers, [`faults`] is what must not cost anyone money:
//! crashes, outages, full disks, wrong databases, wrong options, wrong requests.

mod faults;
mod harness;
mod stories;
