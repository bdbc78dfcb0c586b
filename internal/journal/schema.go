package journal

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
)

//go:embed schema/1.sql
var schema1 string

//go:embed schema/2.sql
var schema2 string

//go:embed schema/3.sql
var schema3 string

// steps make the schema: step n takes a journal from version n-1 to n. What was released is never changed;
// PRAGMA user_version holds a database's version.
var steps = []string{schema1, schema2, schema3}

const appID = 0x7463616e // "tcan", PRAGMA application_id

// migrate takes the database through the steps that it has not seen, each in a transaction.
func migrate(ctx context.Context, w *sql.Conn, steps []string) error {
	var have int
	if err := w.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return err
	}
	for n := have + 1; n <= len(steps); n++ {
		// A crash before the COMMIT leaves version n-1, and the next Open starts from there.
		_, err := w.ExecContext(ctx, fmt.Sprintf("BEGIN IMMEDIATE; %s; PRAGMA user_version = %d; COMMIT", steps[n-1], n))
		if err != nil {
			w.ExecContext(ctx, "ROLLBACK")
			return fmt.Errorf("bring the journal to version %d: %w", n, err)
		}
	}
	return nil
}

// inspect refuses what must not be opened for writing, before anything is touched: a database of another
// program, of a newer version, or one whose parts do not belong together any more.
func inspect(dir string) error {
	path := filepath.Join(dir, "journal.db")
	size, wal := fileSize(path), fileSize(path+"-wal")
	if fi, err := os.Stat(path); err == nil && fi.IsDir() {
		return &DamagedError{Path: path, Err: errors.New("it is a folder")}
	}
	switch {
	case size <= 0 && wal > 0: // SQLite would throw the log away
		what := "is empty"
		if size < 0 {
			what = "is missing"
		}
		return &DamagedError{Path: path, Err: errors.New("it " + what + ", but journal.db-wal, which belongs to it, is there")}
	case size <= 0:
		return nil
	case size < 512: // SQLite would take it for an empty one
		return &DamagedError{Path: path, Err: errors.New("it is too short to be a database")}
	case wal > 0:
		if err := checkWAL(path + "-wal"); err != nil {
			return err
		}
	}
	db, err := sql.Open("sqlite", dsn(path, "mode=ro&_pragma=query_only(1)&_pragma=busy_timeout(5000)"))
	if err != nil {
		return err
	}
	defer db.Close()
	var have, app, tables, ours int
	err = db.QueryRow(`SELECT (SELECT user_version FROM pragma_user_version), (SELECT application_id FROM pragma_application_id),
		count(*), coalesce(sum(name IN ('rooms', 'messages', 'ids', 'cursors')), 0) FROM sqlite_schema`).Scan(&have, &app, &tables, &ours)
	switch {
	case hasCode(err, codeReadOnly) || hasCode(err, codeCantOpen): // an unfinished change that only a writer can take back
		return nil
	case err != nil:
		return err
	case tables == 0 && have == 0 && app == 0:
		return nil
	case app != appID && (app != 0 || ours != 4):
		return &DamagedError{Path: path, Err: errors.New("it is a database of another program")}
	case have > len(steps):
		return &NewerError{Dir: dir, Version: have}
	case size%pageSize != 0 && wal <= 0: // else its log may have the rest
		return &DamagedError{Path: path, Err: errors.New("its last page is cut")}
	}
	return nil
}

// fileSize is -1 if there is no such file.
func fileSize(path string) int64 {
	fi, err := os.Stat(path)
	if err != nil {
		return -1
	}
	return fi.Size()
}

// dsn names a database file, whatever signs its path has in it.
func dsn(path, params string) string {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()}
	return u.String() + "?" + params
}

// always are the settings of every connection that may write. fullfsync makes macOS write to the disk itself.
const always = "_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=fullfsync(1)" +
	"&_pragma=checkpoint_fullfsync(1)&_pragma=wal_autocheckpoint(2000)&_pragma=journal_size_limit(67108864)&"
