//! Where the core's `tracing` goes: nowhere, or to stderr when `DESKTOP_RUNTIME_LOG` names a level.

use std::sync::Once;

use tracing_subscriber::filter::LevelFilter;

/// Once per process, however many environments load the addon.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // This hook belongs to the addon's own std. A panic is caught at the boundary and told to the app; it prints
        // nothing by itself.
        std::panic::set_hook(Box::new(|info| {
            let place = info.location().map(ToString::to_string);
            // A text that was put together may hold a piece of what it was about, and no payload goes into a log.
            let text = info.payload().downcast_ref::<&'static str>().unwrap_or(&"see the place");
            tracing::error!(place, text, "panic");
        }));
        let level =
            std::env::var("DESKTOP_RUNTIME_LOG").ok().and_then(|level| level.parse::<LevelFilter>().ok());
        if let Some(level) = level {
            let subscriber = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
            // Else a stderr that nobody reads any more makes each line a panic, and one in the hook above the host's end.
            let subscriber = subscriber.log_internal_errors(false);
            // The host may have loaded another copy of this addon that was first.
            let _ = subscriber.with_ansi(false).try_init();
        }
    });
}
