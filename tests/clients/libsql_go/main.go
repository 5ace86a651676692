// Runs libSQL's client for Go against a cluster: client FOLLOWER LEADER (their URLs, and more in the
// environment: see run.ts). Prints a line for each check and `N passed, N failed`.
package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"

	"github.com/tursodatabase/libsql-client-go/libsql"
)

func open(url string) *sql.DB {
	options := []libsql.Option{}
	if token := os.Getenv("RAFTLITE_TOKEN"); token != "" {
		options = append(options, libsql.WithAuthToken(token))
	}
	connector, err := libsql.NewConnector(url, options...)
	if err != nil {
		panic(err)
	}
	return sql.OpenDB(connector)
}

func expect(ok bool, format string, values ...any) {
	if !ok {
		panic(fmt.Sprintf(format, values...))
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func count(db interface {
	QueryRow(string, ...any) *sql.Row
}, table string) (n int) {
	if err := db.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
		panic(err)
	}
	return n
}

func main() {
	follower, leader := open(os.Args[1]), open(os.Args[2])
	passed, failed := 0, 0
	check := func(name string, run func()) {
		defer func() {
			if reason := recover(); reason != nil {
				failed++
				fmt.Printf("FAILED %s: %v\n", name, reason)
			} else {
				passed++
				fmt.Printf("ok %s\n", name)
			}
		}()
		run()
	}

	check("values come back", func() {
		must(follower.Exec("CREATE TABLE go_t (id INTEGER PRIMARY KEY, t TEXT UNIQUE, r REAL, b BLOB, n)"))
		result := must(follower.Exec("INSERT INTO go_t (t, r, b, n) VALUES (?, ?, ?, ?)",
			"fiona", 1.5, []byte{0, 255}, int64(9223372036854775807)))
		expect(must(result.LastInsertId()) == 1, "LastInsertId")
		expect(must(result.RowsAffected()) == 1, "RowsAffected")
		var text string
		var real float64
		var blob []byte
		var number int64
		err := leader.QueryRow("SELECT t, r, b, n FROM go_t WHERE t = :name", sql.Named("name", "fiona")).
			Scan(&text, &real, &blob, &number)
		expect(err == nil, "%v", err)
		expect(text == "fiona" && real == 1.5 && number == 9223372036854775807, "%v %v %v", text, real, number)
		expect(bytes.Equal(blob, []byte{0, 255}), "%v", blob)
	})

	check("an error says what it is", func() {
		_, err := follower.Exec("INSERT INTO go_t (t) VALUES ('fiona')")
		expect(err != nil && strings.Contains(err.Error(), "UNIQUE constraint failed: go_t.t"), "%v", err)
	})

	check("a transaction is committed, or rolled back", func() {
		transaction := must(follower.Begin())
		must(transaction.Exec("INSERT INTO go_t (t) VALUES (?)", "one"))
		expect(count(transaction, "go_t") == 2, "not seen inside")
		expect(count(leader, "go_t") == 1, "seen outside")
		expect(transaction.Commit() == nil, "commit")
		expect(count(leader, "go_t") == 2, "not there")
		transaction = must(follower.Begin())
		must(transaction.Exec("DELETE FROM go_t"))
		expect(transaction.Rollback() == nil, "rollback")
		expect(count(leader, "go_t") == 2, "gone")
	})

	check("a connection keeps its stream, and takes several statements at once", func() {
		connection := must(follower.Conn(context.Background()))
		defer connection.Close()
		must(connection.ExecContext(context.Background(),
			"CREATE TABLE go_s (a); INSERT INTO go_s VALUES (1); INSERT INTO go_s VALUES (2)"))
		var n int
		expect(connection.QueryRowContext(context.Background(), "SELECT count(*) FROM go_s").Scan(&n) == nil, "query")
		expect(n == 2, "%d", n)
	})

	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
