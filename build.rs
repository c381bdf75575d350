//! Tells the linker what an addon is on each platform.

fn main() {
    napi_build::setup();
}
