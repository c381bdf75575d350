//! Carries out commands on disk, many in one transaction. A driver: it waits for the disk, and for other processes.
//!
//! What it promises: an answer is given only after the commit; what was not committed is not there; a key that was set
//! or deleted here and could not be written never comes back with its old value.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::cache::Key;
use crate::cache::changes::{Changes, Totals, Touched};
use crate::cache::command::{Answer, Command, Work};
use crate::cache::database::Database;
use crate::cache::failure::Failure;
use crate::cache::opening::{self, Open};
use crate::cache::record::{Head, Record};
use crate::cache::rows::Prepared;
use crate::cache::stale::Stale;
use crate::cache::version1::{self, Presence};
use crate::clock::Now;

/// Bytes of values in one transaction. What comes behind waits for the next.
const MAX_BATCH: usize = 8 * 1024 * 1024;
/// Uses that are remembered before they are written without a write of the app's.
const MAX_USES: usize = 4096;
/// How often old changes are forgotten.
const TRIM_MS: i64 = 1000;
/// How often a batch begins anew because the files vanished or were damaged.
const TRIES: usize = 4;

/// What came of the first of the commands; the others wait for the next call.
#[derive(Debug, Default)]
pub struct Outcome {
    /// In the order of the commands.
    pub answers: Vec<Answer>,
    /// What other processes changed since the last outcome. To be told before the answers.
    pub changes: Changes,
    /// The same, as later transactions saw it: newer than some of the answers. To be told behind them.
    pub late_changes: Changes,
    /// Lines for the log.
    pub lines: Vec<String>,
}

/// The disk tier of one `CacheManager`.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    max_size: Option<i64>,
    writer: i64,
    open: Option<Open>,
    /// How long the next opening waits for others who hold the folder: once is enough, until they have let go of it.
    patience: Duration,
    /// The database that was open last, and the generation up to which its changes are known.
    seen: Option<(i64, i64)>,
    /// The database seemed damaged, and nobody has looked a second time.
    damage: Option<Damage>,
    stale: Stale,
    version1: Presence,
    used: Vec<Key>,
    changes: Changes,
    lines: Vec<String>,
    /// The episodes that were told of.
    told: u8,
    trimmed_at: i64,
    totals: (i64, i64),
}

/// Where a database seemed damaged.
#[derive(Debug, Clone, Copy)]
enum Damage {
    /// Every opening looks there.
    AtOpening,
    /// Where only some look, in the database of this id.
    Inside(i64),
}

/// One transaction on its way.
struct Batch<'a> {
    database: &'a Database,
    prepared: Prepared<'a>,
    totals: Totals,
    touched: Touched,
    writes: bool,
    /// Whether the folder may have files of version 1.
    version1: bool,
    /// Files of version 1 that go when the commit is done.
    leftovers: Vec<String>,
    /// Work of our own that comes behind the batch.
    follow_ups: Vec<Work>,
    changes: Changes,
}

impl Store {
    /// The entries of a folder, at most `max_size` bytes of them. Nothing is opened yet.
    #[must_use]
    pub fn new(folder: &Path, max_size: Option<u64>, now: Now) -> Self {
        Self {
            folder: folder.into(),
            max_size: max_size.map(|max| i64::try_from(max).unwrap_or(i64::MAX)),
            writer: random(now),
            open: None,
            patience: opening::LOCK_WAIT,
            seen: None,
            damage: None,
            stale: Stale::default(),
            version1: Presence::default(),
            used: Vec::new(),
            changes: Changes::default(),
            lines: Vec::new(),
            told: 0,
            trimmed_at: 0,
            totals: (0, 0),
        }
    }

    /// One in place of another that a defect took; `stale` is what that one had not deleted yet.
    #[must_use]
    pub fn after(stale: Stale, folder: &Path, max_size: Option<u64>, now: Now) -> Self {
        Self { stale, ..Self::new(folder, max_size, now) }
    }

    /// After a defect: the files are closed, a transaction under way is undone. Gives what must not come back.
    #[must_use]
    pub fn close_for_good(mut self) -> Stale {
        std::mem::take(&mut self.stale)
    }

    /// Bytes and number of all entries, as last seen.
    #[must_use]
    pub fn figures(&self) -> (i64, i64) {
        self.totals
    }

    /// Carries out the first of the commands, at least one.
    pub fn run(&mut self, commands: &[Command], now: Now) -> Outcome {
        let mut changes = Changes::default();
        let answers = match self.try_all(commands, now) {
            Ok(done) => {
                changes = std::mem::take(&mut self.changes);
                self.finish(commands, done, now)
            }
            Err(failure) => self.run_each(commands, &failure, now),
        };
        Outcome {
            answers,
            changes,
            late_changes: std::mem::take(&mut self.changes),
            lines: std::mem::take(&mut self.lines),
        }
    }

    /// One by one, where that can help: what fails alone must not take the others along.
    fn run_each(&mut self, commands: &[Command], failure: &Failure, now: Now) -> Vec<Answer> {
        let anew = matches!(failure, Failure::Full(_)) && self.make_room();
        let mut answers = Vec::with_capacity(commands.len());
        let mut bytes = 0;
        for command in commands {
            let again = match failure {
                _ if self.open.is_none() && !anew => false,
                Failure::Full(_) | Failure::Unusable(_) => true,
                // Another process writes for too long: one wait is enough.
                _ => !command.work.writes(),
            };
            let alone = std::slice::from_ref(command);
            let outcome = if again { self.try_all(alone, now) } else { Err(failure.clone()) };
            let outcome = match (outcome, &command.work) {
                (Err(Failure::Full(_)), Work::Clear { prefix, memory }) if is_everything(prefix.as_ref()) => {
                    self.clear_by_removal(memory)
                }
                (outcome, _) => outcome,
            };
            let answer = match outcome {
                Ok(done) => self.finish(alone, done, now).pop().unwrap_or(Answer::Missing),
                Err(failure) => self.refuse(command, &failure, now),
            };
            bytes += answer.bytes();
            answers.push(answer);
            if bytes > MAX_BATCH {
                break;
            }
        }
        answers
    }

    /// On a full disk: what the log holds is moved into the file. Where that does not help and nothing is stored, the files
    /// are nothing but taken space: they go. Says whether they did.
    fn make_room(&mut self) -> bool {
        let Some(open) = &self.open else { return false };
        open.database.checkpoint();
        if !open.database.totals().is_ok_and(|totals| totals.count == 0) {
            return false;
        }
        self.open = None;
        opening::remove(&self.folder).is_ok()
    }

    /// A `clear` of everything that finds no space for itself: the files go, and are made anew.
    fn clear_by_removal(&mut self, memory: &[Key]) -> Result<(Vec<Answer>, Vec<Work>), Failure> {
        let open = self.open.take().ok_or(Failure::Vanished)?;
        let mut count = usize::try_from(open.database.totals()?.count).unwrap_or(0);
        for key in memory {
            count += usize::from(open.database.size_of(key)?.is_none());
        }
        let mut files = version1::list(&self.folder, None)?;
        if !files.is_empty() {
            let rows = open.database.keys_with(&Key::from_units(&[]))?;
            discount(&mut files, rows.iter().map(|(key, _)| key).chain(memory));
        }
        drop(open);
        opening::remove(&self.folder)?;
        let count = count + files.len();
        let left = version1::list(&self.folder, None)?;
        let removed = left.iter().filter(|name| version1::remove(&self.folder, name)).count();
        self.stale.clear();
        self.totals = (0, 0);
        Ok((vec![Answer::Counted { success: removed == left.len(), count }], Vec::new()))
    }

    fn finish(&mut self, commands: &[Command], done: (Vec<Answer>, Vec<Work>), now: Now) -> Vec<Answer> {
        let (answers, follow_ups) = done;
        let stored = |(command, answer): (&Command, &Answer)| {
            matches!((&command.work, answer), (Work::Set(..), Answer::Done(true)))
        };
        if commands.iter().zip(&answers).any(stored) {
            self.told = 0;
        }
        for work in follow_ups {
            // What does not succeed now is met again.
            let now_ms = commands.last().map_or(0, |command| command.now_ms);
            let _ = self.try_all(&[Command { ticket: 0, now_ms, work }], now);
        }
        answers
    }

    /// Nothing is asked any more for now: the files are closed.
    pub fn close(&mut self, now: Now) {
        if !self.used.is_empty() && self.open.as_ref().is_some_and(Open::is_in_place) {
            let _ = self.try_all(&[Command { ticket: 0, now_ms: 0, work: Work::Touch(Vec::new()) }], now);
        }
        if let Some(open) = self.open.take() {
            open.database.shrink();
            tracing::debug!(folder = %self.folder.display(), "cache closed");
        }
    }

    /// Lets go of files that are not in the folder any more: as long as they are open nobody can make new ones.
    pub fn close_if_vanished(&mut self) {
        self.open.take_if(|open| !open.is_in_place());
    }

    /// All in one transaction, with new files where the old ones vanished or are damaged.
    fn try_all(&mut self, commands: &[Command], now: Now) -> Result<(Vec<Answer>, Vec<Work>), Failure> {
        let mut outcome = Err(Failure::Vanished);
        for _ in 0..TRIES {
            outcome = self.try_once(commands, now);
            match &outcome {
                Err(Failure::Vanished) => {}
                Err(Failure::Damaged(_)) => self.suspect(Damage::AtOpening),
                _ => break,
            }
        }
        outcome
    }

    fn try_once(&mut self, commands: &[Command], now: Now) -> Result<(Vec<Answer>, Vec<Work>), Failure> {
        // Taken out: any way out of here that does not put it back closes it.
        let open = match self.open.take() {
            Some(open) => open,
            None => self.reopen(now)?,
        };
        let outcome = self.transact(&open, commands, now);
        // What was read was there when it was begun.
        let wrote = commands.iter().any(|command| command.work.writes());
        let outcome = if !wrote || open.is_in_place() { outcome } else { Err(Failure::Vanished) };
        match &outcome {
            Err(Failure::Damaged(_)) => self.suspect(Damage::Inside(open.database.id)),
            _ => self.damage = None,
        }
        if !matches!(outcome, Err(Failure::Vanished | Failure::Damaged(_))) {
            self.open = Some(open);
        }
        outcome
    }

    /// What was seen first counts.
    fn suspect(&mut self, damage: Damage) {
        self.damage.get_or_insert(damage);
    }

    fn reopen(&mut self, now: Now) -> Result<Open, Failure> {
        let damage = self.damage.take();
        let set_aside = match damage {
            Some(_) => opening::set_aside(&self.folder, self.seen, wall(now)),
            None => Ok(None),
        };
        // Another process has a database open: the damaged one, or what was made or has become of it.
        let is_held = matches!(set_aside, Err(Failure::InUse));
        match set_aside {
            Ok(None) | Err(Failure::InUse) => {}
            Ok(Some(target)) => self.lines.push(format!(
                "the cache in {} was damaged; it starts empty, the damaged file is {}",
                self.folder.display(),
                target.display()
            )),
            Err(failure) => {
                self.damage = damage;
                return Err(failure);
            }
        }
        let new_id = random(now);
        let patience = if is_held { Duration::ZERO } else { std::mem::take(&mut self.patience) };
        let opened = Open::new(&self.folder, new_id, self.max_size.is_some(), patience);
        if is_held && !opened.as_ref().is_ok_and(|(open, totals)| self.seems_sound(open, *totals, damage)) {
            self.damage = damage;
            return Err(Failure::InUse);
        }
        if !matches!(opened, Err(Failure::InUse | Failure::OtherCopy)) {
            self.patience = opening::LOCK_WAIT;
        }
        let (open, totals) = opened?;
        opening::check_age(&open.database, totals, self.seen)?;
        let is_other = self.seen.is_none_or(|(id, _)| id != open.database.id);
        if is_held || is_other {
            // In a database of our own making nothing contradicts what memory has.
            if is_held || (self.seen.is_some() && open.database.id != new_id) {
                self.changes = Changes::All;
            }
            self.seen = Some((open.database.id, totals.generation));
        }
        tracing::debug!(folder = %self.folder.display(), entries = totals.count, "cache open");
        Ok(open)
    }

    /// Whether a database that could be opened is none that seemed damaged, or is whole by now.
    fn seems_sound(&self, open: &Open, totals: Totals, damage: Option<Damage>) -> bool {
        let was_inside = matches!(damage, Some(Damage::Inside(id)) if id == open.database.id);
        !was_inside && opening::check_age(&open.database, totals, self.seen).is_ok()
    }

    fn transact(
        &mut self,
        open: &Open,
        commands: &[Command],
        now: Now,
    ) -> Result<(Vec<Answer>, Vec<Work>), Failure> {
        if !open.is_in_place() {
            return Err(Failure::Vanished);
        }
        let database = &open.database;
        let mut writes = commands.iter().any(|command| command.work.writes());
        if !writes && self.used.len() > MAX_USES {
            writes = database.begin(true).is_ok();
            if !writes {
                // Reads do not wait for another process's writes; which entries were used is worth less.
                self.used.clear();
                database.begin(false)?;
            }
        } else {
            database.begin(writes)?;
        }
        let (answers, batch) = database.end(self.fill(database, commands, writes, now))?;
        let Batch { totals, leftovers, follow_ups, changes, .. } = batch;
        if writes {
            open.seal(totals.generation);
            self.stale.clear();
        }
        self.seen = Some((database.id, totals.generation));
        self.totals = (totals.size, totals.count);
        self.changes.add(changes);
        for name in leftovers {
            version1::remove(&self.folder, &name);
        }
        Ok((answers, follow_ups))
    }

    fn fill<'a>(
        &mut self,
        database: &'a Database,
        commands: &[Command],
        writes: bool,
        now: Now,
    ) -> Result<(Vec<Answer>, Batch<'a>), Failure> {
        let totals = database.totals()?;
        opening::check_age(database, totals, self.seen).inspect_err(|_| self.suspect(Damage::AtOpening))?;
        let generation = self.seen.map_or(totals.generation, |(_, generation)| generation);
        let changes = database.changes_since(generation, totals.generation, self.writer)?;
        let mut batch = Batch {
            database,
            prepared: Prepared::new(database),
            totals,
            touched: Touched::new(),
            writes,
            version1: self
                .version1
                .look(&self.folder, SystemTime::UNIX_EPOCH + Duration::from_millis(now.wall_ms)),
            leftovers: Vec::new(),
            follow_ups: Vec::new(),
            changes,
        };
        if writes {
            self.remove_stale(&mut batch)?;
        }
        let mut answers = Vec::with_capacity(commands.len());
        let mut bytes = 0;
        for command in commands {
            if bytes > MAX_BATCH {
                break;
            }
            let answer = self.carry_out(&mut batch, command)?;
            bytes += command.work.bytes() + answer.bytes();
            answers.push(answer);
        }
        if writes {
            self.mark_used(&mut batch)?;
            self.evict(&mut batch)?;
            batch.totals.generation += 1;
            let touched = std::mem::replace(&mut batch.touched, Touched::new());
            database.log_change(batch.totals, self.writer, wall(now), touched)?;
            if (wall(now) - self.trimmed_at).abs() >= TRIM_MS {
                database.trim_changes(wall(now))?;
                self.trimmed_at = wall(now);
            }
        }
        Ok((answers, batch))
    }

    fn carry_out(&mut self, batch: &mut Batch<'_>, command: &Command) -> Result<Answer, Failure> {
        let now_ms = command.now_ms;
        match &command.work {
            Work::Get { key, known: true } if !self.changes.contains(key) && !batch.changes.contains(key) => {
                Ok(Answer::Unchanged)
            }
            Work::Get { key, .. } => {
                let found = self.find(batch, key, now_ms)?;
                if found.is_some() && self.max_size.is_some() {
                    self.used.push(key.clone());
                }
                Ok(found.map_or(Answer::Missing, Answer::Found))
            }
            Work::Has(key) => Ok(Answer::Done(self.find(batch, key, now_ms)?.is_some())),
            Work::Set(key, record) => {
                self.mark_used(batch)?;
                let stored = batch.put(key, record, self.max_size)?;
                if batch.version1 {
                    batch.leftovers.push(key.version1_name());
                }
                Ok(Answer::Done(stored))
            }
            Work::Delete(key) => Ok(Answer::Done(self.delete(batch, key)?)),
            Work::Refuse(key) => {
                self.delete(batch, key)?;
                Ok(Answer::Done(false))
            }
            Work::Clear { prefix, memory } => self.clear(batch, prefix.as_ref(), memory),
            Work::Prune { memory } => self.prune(batch, memory, now_ms),
            Work::Keys(prefix) => {
                let mut text = vec![b'['];
                let database = batch.database;
                let is_hidden = |key: &Key| {
                    self.stale.knows(key)
                        && !matches!(database.find(key), Ok(Some(row)) if !self.stale.hides(key, row.created_at))
                };
                database.live_keys(prefix, now_ms, |key| {
                    if !is_hidden(key) {
                        if text.len() > 1 {
                            text.push(b',');
                        }
                        key.push_json(&mut text);
                    }
                })?;
                text.push(b']');
                Ok(Answer::Keys(text))
            }
            Work::Touch(keys) => {
                self.used.extend(keys.iter().cloned());
                Ok(Answer::Done(true))
            }
            Work::Close => Ok(Answer::Done(true)),
            Work::Fault => panic!("a fault that was asked for: in a batch"),
            Work::Adopt(key) => self.adopt(batch, key, now_ms),
            Work::Expire(key) => {
                if batch.database.find(key)?.is_some_and(|record| record.is_expired(now_ms)) {
                    batch.remove(key)?;
                }
                Ok(Answer::Done(true))
            }
        }
    }

    /// The newer of what the database and version 1 have. What is expired, and what is not in the database yet, is
    /// dealt with behind the batch.
    fn find(&self, batch: &mut Batch<'_>, key: &Key, now_ms: i64) -> Result<Option<Record>, Failure> {
        // A transaction that writes has removed them already.
        let writes = batch.writes;
        let valid = |record: &Record| writes || !self.stale.hides(key, record.created_at);
        let row = batch.prepared.find(key)?.filter(valid);
        let file = if batch.version1 { version1::read(&self.folder, &key.version1_name()) } else { None };
        let file = file.filter(valid);
        let (has_row, has_file) = (row.is_some(), file.is_some());
        let found = match (row, file) {
            (Some(row), Some(file)) if file.created_at <= row.created_at => Some(row),
            (row, file) => file.or(row),
        };
        let found = found.filter(|record| !record.is_expired(now_ms));
        if has_file {
            batch.follow_ups.push(Work::Adopt(key.clone()));
        } else if has_row && found.is_none() {
            batch.follow_ups.push(Work::Expire(key.clone()));
        }
        Ok(found)
    }

    /// Moves version 1's file into the database. Both are looked at again: another process may have been faster.
    fn adopt(&self, batch: &mut Batch<'_>, key: &Key, now_ms: i64) -> Result<Answer, Failure> {
        let name = key.version1_name();
        let Some(record) = version1::read(&self.folder, &name) else { return Ok(Answer::Done(true)) };
        let newer = batch.database.find(key)?.is_none_or(|row| row.created_at < record.created_at);
        if record.is_expired(now_ms) {
            if newer {
                batch.remove(key)?;
            }
        } else if newer && !batch.put(key, &record, self.max_size)? {
            return Ok(Answer::Done(false));
        }
        batch.leftovers.push(name);
        Ok(Answer::Done(true))
    }

    fn delete(&self, batch: &mut Batch<'_>, key: &Key) -> Result<bool, Failure> {
        batch.remove(key)?;
        if !batch.version1 {
            return Ok(true);
        }
        // Before the commit: who adopts the file looks for it under the same lock.
        Ok(version1::remove(&self.folder, &key.version1_name()))
    }

    fn clear(&self, batch: &mut Batch<'_>, prefix: Option<&Key>, memory: &[Key]) -> Result<Answer, Failure> {
        let mut files = batch.version1_files(&self.folder, prefix)?;
        let mut count = 0;
        for key in memory {
            count += usize::from(batch.database.size_of(key)?.is_none());
        }
        let everything = Key::from_units(&[]);
        let prefix = prefix.filter(|prefix| !prefix.as_bytes().is_empty());
        let rows = if prefix.is_none() && files.is_empty() {
            Vec::new()
        } else {
            batch.database.keys_with(prefix.unwrap_or(&everything))?
        };
        if prefix.is_none() {
            count += batch.remove_all()?;
        } else {
            count += rows.len();
            for (key, size) in &rows {
                batch.remove_known(key, *size)?;
            }
        }
        let listed = files.len();
        files.retain(|name| version1::remove(&self.folder, name));
        let success = files.len() == listed;
        discount(&mut files, rows.iter().map(|(key, _)| key).chain(memory));
        batch.touched.add_all();
        Ok(Answer::Counted { success, count: count + files.len() })
    }

    fn prune(&self, batch: &mut Batch<'_>, memory: &[Key], now_ms: i64) -> Result<Answer, Failure> {
        let rows = batch.database.expired_keys(now_ms)?;
        let mut files = batch.version1_files(&self.folder, None)?;
        files.retain(|name| {
            version1::read(&self.folder, name).is_some_and(|record| record.is_expired(now_ms))
                && version1::remove(&self.folder, name)
        });
        let mut keys: HashSet<&Key> = memory.iter().collect();
        for (key, size) in &rows {
            batch.remove_known(key, *size)?;
            keys.insert(key);
        }
        discount(&mut files, keys.iter().copied());
        Ok(Answer::Counted { success: true, count: keys.len() + files.len() })
    }

    /// What was to go and could not; what another process has set since stays.
    fn remove_stale(&self, batch: &mut Batch<'_>) -> Result<(), Failure> {
        for prefix in self.stale.prefixes() {
            for (key, _) in batch.database.keys_with(prefix)? {
                self.remove_hidden(batch, &key)?;
            }
            for name in batch.version1_files(&self.folder, Some(prefix))? {
                let created_at = version1::read(&self.folder, &name).map(|record| record.created_at);
                if created_at.is_none_or(|at| self.stale.hides(prefix, at)) {
                    version1::remove(&self.folder, &name);
                }
            }
        }
        for key in self.stale.keys() {
            self.remove_hidden(batch, key)?;
            let name = key.version1_name();
            let file = if batch.version1 { version1::read(&self.folder, &name) } else { None };
            if file.is_some_and(|record| self.stale.hides(key, record.created_at)) {
                version1::remove(&self.folder, &name);
            }
        }
        Ok(())
    }

    fn remove_hidden(&self, batch: &mut Batch<'_>, key: &Key) -> Result<(), Failure> {
        if batch.database.find(key)?.is_some_and(|record| self.stale.hides(key, record.created_at)) {
            batch.remove(key)?;
        }
        Ok(())
    }

    /// What was used before goes before what comes now.
    fn mark_used(&mut self, batch: &mut Batch<'_>) -> Result<(), Failure> {
        for key in self.used.drain(..) {
            batch.totals.used += 1;
            batch.database.mark_used(&key, batch.totals.used)?;
        }
        Ok(())
    }

    fn evict(&self, batch: &mut Batch<'_>) -> Result<(), Failure> {
        let Some(max) = self.max_size else { return Ok(()) };
        while batch.totals.size > max {
            let oldest = batch.database.least_used()?;
            if oldest.is_empty() {
                return Err(Failure::Damaged("the sizes do not add up".into()));
            }
            for (key, size) in oldest {
                if batch.totals.size > max {
                    batch.remove_known(&key, size)?;
                }
            }
        }
        Ok(())
    }

    /// The answer to a command that the database did not carry out.
    fn refuse(&mut self, command: &Command, failure: &Failure, now: Now) -> Answer {
        self.tell(failure);
        let no_database = match failure {
            Failure::NoFolder(_) => true,
            Failure::Unusable(_) => !opening::has_database(&self.folder),
            _ => false,
        };
        match &command.work {
            Work::Get { known: true, .. } => Answer::Unchanged,
            Work::Get { key, .. } => {
                self.find_alone(key, command.now_ms).map_or(Answer::Missing, Answer::Found)
            }
            Work::Has(key) => Answer::Done(self.find_alone(key, command.now_ms).is_some()),
            Work::Set(key, _) | Work::Refuse(key) => {
                // The older value must not come back. To remove it may need less space than to replace it.
                let delete = Command {
                    ticket: command.ticket,
                    now_ms: command.now_ms,
                    work: Work::Delete(key.clone()),
                };
                let can_delete = self.open.is_some() && matches!(failure, Failure::Full(_));
                if !can_delete || self.try_all(&[delete], now).is_err() {
                    self.stale.add(key.clone(), command.now_ms);
                }
                Answer::Done(false)
            }
            Work::Delete(key) => {
                self.stale.add(key.clone(), command.now_ms);
                Answer::Done(no_database && !version1::exists(&self.folder, &key.version1_name()))
            }
            Work::Clear { prefix, memory } => {
                let all = Key::from_units(&[]);
                self.stale.add_prefix(prefix.clone().unwrap_or(all), command.now_ms);
                let files = version1::list(&self.folder, prefix.as_ref()).unwrap_or_default();
                Answer::Counted { success: no_database && files.is_empty(), count: memory.len() }
            }
            Work::Prune { memory } => Answer::Counted { success: no_database, count: memory.len() },
            Work::Keys(_) => Answer::Keys(b"[]".to_vec()),
            Work::Touch(_) | Work::Close | Work::Adopt(_) | Work::Expire(_) | Work::Fault => {
                Answer::Done(true)
            }
        }
    }

    /// The answers when the disk cannot be asked at all. Does not wait: no file is looked at.
    pub fn refuse_unasked(&mut self, commands: &[Command], failure: &Failure) -> Outcome {
        self.tell(failure);
        let refuse = |command: &Command| match &command.work {
            Work::Get { known: true, .. } => Answer::Unchanged,
            Work::Get { .. } => Answer::Missing,
            Work::Set(key, _) | Work::Refuse(key) | Work::Delete(key) => {
                self.stale.add(key.clone(), command.now_ms);
                Answer::Done(false)
            }
            Work::Clear { prefix, memory } => {
                let prefix = prefix.clone().unwrap_or_else(|| Key::from_units(&[]));
                self.stale.add_prefix(prefix, command.now_ms);
                Answer::Counted { success: false, count: memory.len() }
            }
            Work::Prune { memory } => Answer::Counted { success: false, count: memory.len() },
            Work::Keys(_) => Answer::Keys(b"[]".to_vec()),
            Work::Has(_) => Answer::Done(false),
            Work::Touch(_) | Work::Close | Work::Adopt(_) | Work::Expire(_) | Work::Fault => {
                Answer::Done(true)
            }
        };
        let answers = commands.iter().map(refuse).collect();
        Outcome { answers, lines: std::mem::take(&mut self.lines), ..Outcome::default() }
    }

    /// Without a database version 1's files can still be read.
    fn find_alone(&self, key: &Key, now_ms: i64) -> Option<Record> {
        let valid = |record: &Record| !record.is_expired(now_ms) && !self.stale.hides(key, record.created_at);
        version1::read(&self.folder, &key.version1_name()).filter(valid)
    }

    fn tell(&mut self, failure: &Failure) {
        let episode = 1 << failure.episode();
        tracing::debug!(?failure, "the disk refused");
        if self.told & episode == 0 {
            tracing::warn!(folder = %self.folder.display(), ?failure, "the cache goes on in memory");
            self.told |= episode;
            self.lines.push(failure.line(&self.folder));
        }
    }
}

impl Batch<'_> {
    fn version1_files(&self, folder: &Path, prefix: Option<&Key>) -> Result<Vec<String>, Failure> {
        Ok(if self.version1 { version1::list(folder, prefix)? } else { Vec::new() })
    }

    /// Says whether the entry fits.
    fn put(&mut self, key: &Key, record: &Record, max: Option<i64>) -> Result<bool, Failure> {
        let head = Head::of(key, record);
        if max.is_some_and(|max| head.size > max) {
            self.remove(key)?;
            return Ok(false);
        }
        self.totals.used += 1;
        self.totals.size += head.size;
        self.totals.count += 1;
        let older = self.prepared.put(key, record, &head, self.totals.used)?;
        self.forget(older);
        self.touched.add(key);
        Ok(true)
    }

    fn remove(&mut self, key: &Key) -> Result<(), Failure> {
        if let Some(size) = self.database.size_of(key)? {
            self.remove_known(key, size)?;
        }
        self.touched.add(key);
        Ok(())
    }

    fn remove_known(&mut self, key: &Key, size: i64) -> Result<(), Failure> {
        self.forget(Some(size));
        self.database.remove(key)
    }

    fn remove_all(&mut self) -> Result<usize, Failure> {
        self.totals.size = 0;
        self.totals.count = 0;
        self.database.remove_all()
    }

    fn forget(&mut self, size: Option<i64>) {
        if let Some(size) = size {
            self.totals.size -= size;
            self.totals.count -= 1;
        }
    }
}

/// Files of keys that were counted already are not counted again.
fn discount<'a>(files: &mut Vec<String>, keys: impl Iterator<Item = &'a Key>) {
    if !files.is_empty() {
        let counted: HashSet<String> = keys.map(Key::version1_name).collect();
        files.retain(|name| !counted.contains(name));
    }
}

fn is_everything(prefix: Option<&Key>) -> bool {
    prefix.is_none_or(|prefix| prefix.as_bytes().is_empty())
}

fn random(now: Now) -> i64 {
    // Without the system's randomness the clock is the next best thing that two processes do not share.
    getrandom::u64().unwrap_or(now.wall_ms ^ u64::from(std::process::id()) << 40).cast_signed()
}

fn wall(now: Now) -> i64 {
    i64::try_from(now.wall_ms).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
