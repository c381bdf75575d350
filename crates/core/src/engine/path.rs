//! Where an engine's file really lies.

/// A file inside `app.asar` cannot be executed; packagers put it beside, into `app.asar.unpacked` (contract section 3).
#[must_use]
pub fn outside_of_archive(path: &str) -> String {
    let mut mapped = String::with_capacity(path.len() + 9);
    let mut rest = path;
    while let Some(end) = rest.find(['/', '\\']) {
        let (component, behind) = rest.split_at(end);
        mapped.push_str(component);
        if component == "app.asar" {
            mapped.push_str(".unpacked");
        }
        mapped.push_str(&behind[..1]);
        rest = &behind[1..];
    }
    mapped.push_str(rest);
    mapped
}

#[cfg(test)]
mod tests {
    use super::outside_of_archive;

    #[test]
    fn a_path_inside_app_asar_in_app_asar_unpacked() {
        for (path, mapped) in [
            ("/opt/App/resources/app.asar/bin/engine", "/opt/App/resources/app.asar.unpacked/bin/engine"),
            (r"C:\App\resources\app.asar\engine.exe", r"C:\App\resources\app.asar.unpacked\engine.exe"),
            ("/opt/app.asar.unpacked/engine", "/opt/app.asar.unpacked/engine"),
            ("/opt/my-app.asar/engine", "/opt/my-app.asar/engine"),
            ("/opt/app.asar", "/opt/app.asar"),
            ("engine", "engine"),
        ] {
            assert_eq!(outside_of_archive(path), mapped);
        }
    }
}
