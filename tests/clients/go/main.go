// Runs gorqlite, and its database/sql driver, against a cluster: go run . FOLLOWER LEADER (their
// URLs, and more in the environment: see run.ts). Prints a line for each check and `N passed, N failed`.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/rqlite/gorqlite"
	_ "github.com/rqlite/gorqlite/stdlib"
)

var passed, failed int

func check(name string, run func() error) {
	if err := run(); err != nil {
		failed++
		fmt.Printf("FAILED %s: %v\n", name, err)
		return
	}
	passed++
	fmt.Printf("ok %s\n", name)
}

func equal(what string, actual, expected any) error {
	if fmt.Sprint(actual) != fmt.Sprint(expected) {
		return fmt.Errorf("%s is %v instead of %v", what, actual, expected)
	}
	return nil
}

func statement(sql string, arguments ...any) gorqlite.ParameterizedStatement {
	return gorqlite.ParameterizedStatement{Query: sql, Arguments: arguments}
}

// A node's URL with the user who calls it, where there are users.
func withUser(text string) string {
	address, err := url.Parse(text)
	if err != nil {
		panic(err)
	}
	if user, found := os.LookupEnv("RQLITE_USER"); found {
		address.User = url.UserPassword(user, os.Getenv("RQLITE_PASSWORD"))
	}
	return address.String()
}

// What connections go over: nil for the library's own client, which is for plain HTTP here.
func httpClient() *http.Client {
	path, found := os.LookupEnv("RQLITE_CA")
	if !found {
		return nil
	}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	authority, err := os.ReadFile(path)
	if err != nil || !config.RootCAs.AppendCertsFromPEM(authority) {
		panic(fmt.Sprintf("no authority in %s: %v", path, err))
	}
	if certificate, found := os.LookupEnv("RQLITE_CERT"); found {
		pair, err := tls.LoadX509KeyPair(certificate, os.Getenv("RQLITE_KEY"))
		if err != nil {
			panic(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}}
}

func open(url string) (*gorqlite.Connection, error) {
	return gorqlite.OpenWithClient(url, httpClient())
}

func main() {
	follower, leader := withUser(os.Args[1]), os.Args[2]
	conn, err := open(follower)
	if err != nil {
		fmt.Printf("FAILED open a connection to a follower: %v\n0 passed, 1 failed\n", err)
		os.Exit(1)
	}
	checkConnection(conn, leader)
	checkUndiscovered(follower)
	if _, asksForCertificates := os.LookupEnv("RQLITE_CERT"); asksForCertificates {
		fmt.Println("left out: the driver of database/sql, which can show no certificate")
	} else {
		// It knows the system's authorities only, which are read at the first use of them.
		os.Setenv("SSL_CERT_FILE", os.Getenv("RQLITE_CA"))
		checkDriver(follower)
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}

func checkConnection(conn *gorqlite.Connection, leader string) {
	_, leaderAddress, _ := strings.Cut(leader, "://")
	check("the leader and its peers are discovered from a follower", func() error {
		found, err := conn.Leader()
		if err != nil {
			return err
		}
		peers, err := conn.Peers()
		if err != nil {
			return err
		}
		return errors.Join(equal("leader", found, leaderAddress), equal("number of peers", len(peers), 3))
	})
	check("a table is created", func() error {
		_, err := conn.WriteOne("CREATE TABLE go_values (id INTEGER PRIMARY KEY, name TEXT UNIQUE, n INTEGER, r REAL, b BLOB, at DATETIME)")
		return err
	})
	check("a row is inserted with parameters", func() error {
		result, err := conn.WriteOneParameterized(statement(
			"INSERT INTO go_values (name, n, r, b, at) VALUES (?, ?, ?, ?, ?)",
			"fiona", int64(1)<<53-1, 1.5, "X'00ff27'", "2026-01-02 03:04:05",
		))
		return errors.Join(err, equal("id", result.LastInsertID, 1), equal("rows", result.RowsAffected, 1))
	})
	check("values and NULL come back", func() error {
		result, err := conn.QueryOneParameterized(statement(
			"SELECT name, n, r, hex(b), at, NULL AS missing FROM go_values WHERE id = ?", 1,
		))
		if err != nil {
			return err
		}
		var name, hex string
		var n int64
		var r float64
		var at time.Time
		missing := gorqlite.NullString{String: "unset", Valid: true}
		if !result.Next() {
			return errors.New("no row")
		}
		if err := result.Scan(&name, &n, &r, &hex, &at, &missing); err != nil {
			return err
		}
		return errors.Join(
			equal("name", name, "fiona"), equal("n", n, int64(1)<<53-1), equal("r", r, 1.5),
			equal("blob", hex, "00FF27"), equal("time", at.Format(time.RFC3339), "2026-01-02T03:04:05Z"),
			equal("NULL is valid", missing.Valid, false),
		)
	})
	check("64-bit integers are stored exactly", func() error {
		result, err := conn.QueryOneParameterized(statement(
			"SELECT CAST(? AS TEXT), typeof(?1), CAST(? AS TEXT)", int64(9223372036854775807), int64(-9223372036854775808),
		))
		if err != nil {
			return err
		}
		var largest, kind, smallest string
		result.Next()
		if err := result.Scan(&largest, &kind, &smallest); err != nil {
			return err
		}
		return errors.Join(
			equal("largest", largest, "9223372036854775807"), equal("type", kind, "integer"),
			equal("smallest", smallest, "-9223372036854775808"),
		)
	})
	check("a failing statement undoes its transaction", func() error {
		results, err := conn.Write([]string{
			"INSERT INTO go_values (name) VALUES ('declan')",
			"INSERT INTO go_values (name) VALUES ('fiona')",
		})
		var statementError *gorqlite.StatementError
		if !errors.As(err, &statementError) {
			return fmt.Errorf("error is %v", err)
		}
		count, countErr := countRows(conn, "SELECT count(*) FROM go_values")
		return errors.Join(
			countErr, equal("error", statementError.Message, "UNIQUE constraint failed: go_values.name"),
			equal("results", len(results), 2), equal("rows", count, 1),
		)
	})
	for _, level := range []string{"none", "weak", "linearizable", "strong"} {
		check("a query at level "+level, func() error {
			parsed, err := gorqlite.ParseConsistencyLevel(level)
			if err != nil {
				return err
			}
			if err := conn.SetConsistencyLevel(parsed); err != nil {
				return err
			}
			count, err := countRows(conn, "SELECT count(*) FROM sqlite_schema WHERE name = 'go_values'")
			return errors.Join(err, equal("rows", count, 1))
		})
	}
	check("reads and writes go in one request", func() error {
		results, err := conn.RequestParameterized([]gorqlite.ParameterizedStatement{
			statement("INSERT INTO go_values (name) VALUES (?)", "sinead"),
			statement("SELECT name FROM go_values WHERE name = ?", "sinead"),
		})
		if err != nil {
			return err
		}
		if len(results) != 2 || results[0].Write == nil || results[1].Query == nil {
			return fmt.Errorf("results are %+v", results)
		}
		return errors.Join(
			equal("rows written", results[0].Write.RowsAffected, 1),
			equal("rows read", results[1].Query.NumRows(), 1),
		)
	})
	check("a syntax error is told", func() error {
		_, err := conn.QueryOne("SELECT FROM")
		if err == nil || !strings.Contains(err.Error(), "syntax error") {
			return fmt.Errorf("error is %v", err)
		}
		return nil
	})
	check("a queued write takes effect", func() error {
		sequence, err := conn.QueueOneParameterized(statement("INSERT INTO go_values (name) VALUES (?)", "queued"))
		if err != nil {
			return err
		}
		if sequence == 0 {
			return errors.New("no sequence number")
		}
		for deadline := time.Now().Add(120 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			if count, err := countRows(conn, "SELECT count(*) FROM go_values WHERE name = 'queued'"); err == nil && count == 1 {
				return nil
			}
		}
		return errors.New("not written in 120 s")
	})
}

// A client that was told not to look for the leader sends everything to the follower.
func checkUndiscovered(follower string) {
	check("a follower takes writes and reads without discovery", func() error {
		conn, err := open(follower + "?disableClusterDiscovery=true&level=linearizable")
		if err != nil {
			return err
		}
		result, err := conn.WriteOne("INSERT INTO go_values (name) VALUES ('by a follower')")
		if err != nil {
			return err
		}
		count, err := countRows(conn, "SELECT count(*) FROM go_values WHERE name = 'by a follower'")
		return errors.Join(err, equal("rows written", result.RowsAffected, 1), equal("rows read", count, 1))
	})
}

func checkDriver(follower string) {
	check("database/sql inserts, reads and scans NULL", func() error {
		db, err := sql.Open("rqlite", follower)
		if err != nil {
			return err
		}
		defer db.Close()
		result, err := db.Exec("INSERT INTO go_values (name, n) VALUES (?, ?)", "by the driver", nil)
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		if err != nil {
			return err
		}
		var name string
		var n sql.NullInt64
		err = db.QueryRow("SELECT name, n FROM go_values WHERE name = ?", "by the driver").Scan(&name, &n)
		return errors.Join(
			err, equal("rows", rows, 1), equal("name", name, "by the driver"), equal("n is valid", n.Valid, false),
		)
	})
	check("database/sql tells of an error", func() error {
		db, err := sql.Open("rqlite", follower)
		if err != nil {
			return err
		}
		defer db.Close()
		_, err = db.Exec("INSERT INTO nowhere VALUES (1)")
		if err == nil || !strings.Contains(err.Error(), "no such table: nowhere") {
			return fmt.Errorf("error is %v", err)
		}
		return nil
	})
}

func countRows(conn *gorqlite.Connection, sql string) (int64, error) {
	result, err := conn.QueryOne(sql)
	if err != nil {
		return 0, err
	}
	var count int64
	if !result.Next() {
		return 0, errors.New("no row")
	}
	return count, result.Scan(&count)
}
