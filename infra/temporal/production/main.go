// The production Temporal server of the modules that the dev server is built from, and the steps of its schema, for
// `npm run faults -- hosts`: one program under two names.
//
//	temporal-server start            configured by environment, as the image temporalio/server is
//	temporal-sql-tool --db NAME create | setup-schema -v 0.0 | update-schema --schema-name NAME
//
// Temporal's own main packages need modules that the dev server does not; this one needs no more than
// ../go.mod has. Run it in a folder that holds config/docker.yaml of the server's module.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"

	"github.com/blang/semver/v4"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	_ "go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/common/resolver"
	"go.temporal.io/server/schema"
	"go.temporal.io/server/temporal"
)

func main() {
	var err error
	if filepath.Base(os.Args[0]) == "temporal-sql-tool" {
		err = changeSchema(os.Args[1:])
	} else {
		err = serve()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	cfg, err := config.LoadConfig("docker", "config", "")
	if err != nil {
		return err
	}
	logger := log.NewZapLogger(log.BuildZapLogger(cfg.Log))
	dynamic, err := dynamicconfig.NewFileBasedClient(cfg.DynamicConfigClient, logger, temporal.InterruptCh())
	if err != nil {
		return err
	}
	authorizer, err := authorization.GetAuthorizerFromConfig(&cfg.Global.Authorization)
	if err != nil {
		return err
	}
	mapper, err := authorization.GetClaimMapperFromConfig(&cfg.Global.Authorization, logger)
	if err != nil {
		return err
	}
	server, err := temporal.NewServer(
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithConfig(cfg),
		temporal.WithDynamicConfigClient(dynamic),
		temporal.WithLogger(logger),
		temporal.InterruptOn(temporal.InterruptCh()),
		temporal.WithAuthorizer(authorizer),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return mapper }),
	)
	if err != nil {
		return err
	}
	return server.Start()
}

func changeSchema(args []string) error {
	global := flag.NewFlagSet("temporal-sql-tool", flag.ContinueOnError)
	database := global.String("db", "", "the database's name")
	if err := global.Parse(args); err != nil {
		return err
	}
	own := flag.NewFlagSet(global.Arg(0), flag.ContinueOnError)
	version := own.String("v", "0.0", "the version to begin with")
	name := own.String("schema-name", "", "such as postgresql/v12/temporal")
	if global.NArg() == 0 {
		return fmt.Errorf("say what: create, setup-schema or update-schema")
	}
	if err := own.Parse(global.Args()[1:]); err != nil {
		return err
	}
	switch global.Arg(0) {
	case "create":
		return with("postgres", func(db sqlplugin.AdminDB) error { return db.CreateDatabase(*database) })
	case "setup-schema":
		return with(*database, func(db sqlplugin.AdminDB) error { return setUp(db, *database, *version) })
	case "update-schema":
		return with(*database, func(db sqlplugin.AdminDB) error { return update(db, *database, *name) })
	default:
		return fmt.Errorf("%s: unknown", global.Arg(0))
	}
}

func with(database string, do func(sqlplugin.AdminDB) error) error {
	cfg := &config.SQL{
		PluginName:   os.Getenv("SQL_PLUGIN"),
		ConnectAddr:  os.Getenv("SQL_HOST") + ":" + os.Getenv("SQL_PORT"),
		User:         os.Getenv("SQL_USER"),
		Password:     os.Getenv("SQL_PASSWORD"),
		DatabaseName: database,
	}
	db, err := sql.NewSQLAdminDB(
		sqlplugin.DbKindUnknown, cfg, resolver.NewNoopResolver(), log.NewNoopLogger(), metrics.NoopMetricsHandler)
	if err != nil {
		return err
	}
	defer db.Close()
	return do(db)
}

func setUp(db sqlplugin.AdminDB, database string, version string) error {
	if err := db.CreateSchemaVersionTables(); err != nil {
		return err
	}
	if _, err := db.ReadSchemaVersion(database); err == nil {
		return fmt.Errorf("%s has a schema", database)
	}
	if err := db.UpdateSchemaVersion(database, version, version); err != nil {
		return err
	}
	return db.WriteSchemaUpdateLog("0", version, "", "initial version")
}

type manifest struct {
	CurrVersion          string
	MinCompatibleVersion string
	Description          string
	SchemaUpdateCqlFiles []string
}

func update(db sqlplugin.AdminDB, database string, name string) error {
	current, err := db.ReadSchemaVersion(database)
	if err != nil {
		return err
	}
	at, err := semver.ParseTolerant(current)
	if err != nil {
		return err
	}
	steps, err := stepsAfter(at, path.Join(name, "versioned"))
	if err != nil {
		return err
	}
	for _, folder := range steps {
		if current, err = step(db, database, folder, current); err != nil {
			return err
		}
	}
	return nil
}

func stepsAfter(at semver.Version, folder string) ([]string, error) {
	entries, err := fs.ReadDir(schema.Assets(), folder)
	if err != nil {
		return nil, err
	}
	var found []semver.Version
	paths := map[string]string{}
	for _, entry := range entries {
		version, err := semver.ParseTolerant(strings.TrimPrefix(entry.Name(), "v"))
		if err != nil || version.LTE(at) {
			continue
		}
		found = append(found, version)
		paths[version.String()] = path.Join(folder, entry.Name())
	}
	sort.Slice(found, func(one, other int) bool { return found[one].LT(found[other]) })
	var steps []string
	for _, version := range found {
		steps = append(steps, paths[version.String()])
	}
	return steps, nil
}

func step(db sqlplugin.AdminDB, database string, folder string, current string) (string, error) {
	text, err := fs.ReadFile(schema.Assets(), path.Join(folder, "manifest.json"))
	if err != nil {
		return "", err
	}
	var to manifest
	if err := json.Unmarshal(text, &to); err != nil {
		return "", err
	}
	for _, file := range to.SchemaUpdateCqlFiles {
		source, err := fs.ReadFile(schema.Assets(), path.Join(folder, file))
		if err != nil {
			return "", err
		}
		statements, err := persistence.LoadAndSplitQueryFromReaders([]io.Reader{bytes.NewReader(source)})
		if err != nil {
			return "", err
		}
		for _, statement := range statements {
			if err := db.Exec(statement); err != nil {
				return "", fmt.Errorf("%s: %w", path.Join(folder, file), err)
			}
		}
	}
	if err := db.UpdateSchemaVersion(database, to.CurrVersion, to.MinCompatibleVersion); err != nil {
		return "", err
	}
	return to.CurrVersion, db.WriteSchemaUpdateLog(current, to.CurrVersion, "", to.Description)
}
