//! The folder that is served: which file is meant by an address, and which files nobody means.

use std::{
    io,
    path::{Component, Path, PathBuf},
};

/// A folder, by its real path.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// There is no such folder.
#[derive(Debug, thiserror::Error)]
pub enum NoFolder {
    /// It cannot be read.
    #[error("cannot serve {path}: {reason}; give a folder that exists")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// It is a file.
    #[error("{0} is not a folder: give the folder that it lies in")]
    File(PathBuf),
}

/// What an address means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meant {
    /// This file.
    File(PathBuf),
    /// A folder, whose pages' links only work below its slash.
    Slash,
    /// Nothing.
    Nothing,
}

impl Folder {
    /// This folder.
    ///
    /// # Errors
    /// When it is none.
    pub fn open(path: &Path) -> Result<Self, NoFolder> {
        let real = path.canonicalize().map_err(|reason| NoFolder::Unreadable {
            path: path.to_owned(),
            reason,
        })?;
        if real.is_dir() {
            Ok(Self(real))
        } else {
            Err(NoFolder::File(real))
        }
    }

    /// Its real path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The file for the path of an address (without its query): the file itself, a folder's `index.html`, or the name with `.html`.
    pub(super) fn find(&self, address: &str) -> Meant {
        let Ok(decoded) = percent_encoding::percent_decode_str(address).decode_utf8() else {
            return Meant::Nothing;
        };
        let relative = Path::new(decoded.trim_start_matches('/'));
        // `..`, drive letters and NUL never; and nothing that is watched for nobody: what begins with a dot may hold secrets.
        let plain = relative
            .components()
            .all(|part| matches!(part, Component::Normal(name) if !name.to_string_lossy().starts_with('.')));
        if !plain || decoded.contains('\0') {
            return Meant::Nothing;
        }
        let wanted = self.0.join(relative);
        if wanted.is_dir() {
            if !address.ends_with('/') {
                return Meant::Slash;
            }
            return self.inside(&wanted.join("index.html"));
        }
        match self.inside(&wanted) {
            Meant::Nothing if !decoded.ends_with('/') => {
                let mut page = wanted.into_os_string();
                page.push(".html");
                self.inside(Path::new(&page))
            }
            meant => meant,
        }
    }

    /// The page for what is not there, if the folder has one.
    pub(super) fn not_found(&self) -> Option<PathBuf> {
        match self.inside(&self.0.join("404.html")) {
            Meant::File(path) => Some(path),
            _ => None,
        }
    }

    /// A file, unless it lies outside: a symbolic link may lead anywhere.
    fn inside(&self, path: &Path) -> Meant {
        match path.canonicalize() {
            Ok(real) if real.starts_with(&self.0) && real.is_file() => Meant::File(real),
            _ => Meant::Nothing,
        }
    }

    /// Whether nobody wants to hear of this path: hidden files, what editors leave for a moment, and what tools pile up.
    pub(super) fn ignores(&self, path: &Path) -> bool {
        let relative = path.strip_prefix(&self.0).unwrap_or(path);
        relative.components().any(|part| {
            let name = part.as_os_str().to_string_lossy();
            is_noise(&name)
        })
    }
}

fn is_noise(name: &str) -> bool {
    let begins = name.starts_with(['.', '#']) || name.starts_with("~$");
    let ends = [
        "~",
        ".swp",
        ".swo",
        ".swx",
        ".tmp",
        ".bak",
        ".crdownload",
        ".part",
        "___jb_tmp___",
        "___jb_old___",
    ]
    .iter()
    .any(|ending| name.ends_with(ending));
    // Vim writes 4913 to see whether it may.
    begins || ends || matches!(name, "4913" | "node_modules" | "target" | "Thumbs.db")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn site() -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().unwrap();
        let site = dir.path().join("site");
        fs::create_dir_all(site.join("blog")).unwrap();
        for file in ["index.html", "about.html", "blog/index.html", "a b.css", ".env"] {
            fs::write(site.join(file), file).unwrap();
        }
        fs::write(dir.path().join("secret.txt"), "secret").unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path().join("secret.txt"), site.join("out.txt")).unwrap();
            std::os::unix::fs::symlink(site.join("about.html"), site.join("in.html")).unwrap();
        }
        let folder = Folder::open(&site).unwrap();
        (dir, folder)
    }

    #[test]
    fn an_address_means_a_file_a_folders_index_or_a_page_without_its_ending() {
        let (_dir, folder) = site();
        let file = |name: &str| Meant::File(folder.path().join(name));
        for (address, meant) in [
            ("/", file("index.html")),
            ("/about.html", file("about.html")),
            ("/about", file("about.html")),
            ("/blog", Meant::Slash),
            ("/blog/", file("blog/index.html")),
            ("/a%20b.css", file("a b.css")),
            ("/in.html", file("about.html")),
            ("/nothing", Meant::Nothing),
        ] {
            assert_eq!(folder.find(address), meant, "{address}");
        }
    }

    #[test]
    fn nothing_outside_the_folder_and_nothing_hidden_can_be_had() {
        let (_dir, folder) = site();
        for address in [
            "/../secret.txt",
            "/%2e%2e/secret.txt",
            "/blog/../../secret.txt",
            "/..%2fsecret.txt",
            "/out.txt",
            "/.env",
            "/%2eenv",
            "/index.html%00",
            "//etc/passwd",
            "/%ff",
        ] {
            assert_eq!(folder.find(address), Meant::Nothing, "{address}");
        }
    }

    #[test]
    fn what_editors_and_tools_write_is_noise() {
        let (_dir, folder) = site();
        let ignores = |name: &str| folder.ignores(&folder.path().join(name));
        for noise in [
            ".git/index",
            "index.html~",
            ".index.html.swp",
            "4913",
            ".#index.html",
            "#index.html#",
            "node_modules/x/y.js",
            "target/debug/x",
            ".DS_Store",
            "index.html.tmp",
            "style.css___jb_tmp___",
        ] {
            assert!(ignores(noise), "{noise}");
        }
        for wanted in ["index.html", "blog/a.md", "img/logo.svg", "targets/x.html"] {
            assert!(!ignores(wanted), "{wanted}");
        }
    }

    #[test]
    fn a_folder_that_is_none_is_told_so() {
        let (dir, _folder) = site();
        let missing = Folder::open(&dir.path().join("nowhere")).unwrap_err();
        assert!(
            missing.to_string().contains("give a folder that exists"),
            "{missing}"
        );
        let file = Folder::open(&dir.path().join("secret.txt")).unwrap_err();
        assert!(file.to_string().contains("is not a folder"), "{file}");
    }
}
