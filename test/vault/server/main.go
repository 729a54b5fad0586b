// A real Vault for the tests in this folder: its core and its HTTP handler, without the many plugins that the vault
// program comes with. Everything is in memory; it starts uninitialized and sealed, as Vault does.
//
//	server CERT KEY    serves https on a free port of loopback and prints the port
package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/hashicorp/go-hclog"
	kubernetes "github.com/hashicorp/vault-plugin-auth-kubernetes"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/builtin/credential/approle"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

// registry answers Vault's queries for its builtin plugins; factories are given to the core directly.
type registry struct{}

var names = map[consts.PluginType][]string{
	consts.PluginTypeCredential: {"approle", "kubernetes"},
	consts.PluginTypeSecrets:    {"kv"},
}

func (registry) Contains(name string, kind consts.PluginType) bool {
	for _, known := range names[kind] {
		if known == name {
			return true
		}
	}
	return false
}

func (r registry) Get(name string, kind consts.PluginType) (func() (interface{}, error), bool) {
	var factory logical.Factory
	switch {
	case !r.Contains(name, kind):
		return nil, false
	case name == "approle":
		factory = approle.Factory
	case name == "kubernetes":
		factory = kubernetes.Factory
	default:
		factory = kv.Factory
	}
	return func() (interface{}, error) { return factory, nil }, true
}

func (registry) Keys(kind consts.PluginType) []string { return names[kind] }

func (r registry) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, r.Contains(name, kind)
}

func (registry) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	if len(os.Args) != 3 {
		return fmt.Errorf("usage: server CERT KEY")
	}
	certificate, err := tls.LoadX509KeyPair(os.Args[1], os.Args[2])
	if err != nil {
		return err
	}
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr})
	storage, err := inmem.NewInmem(nil, logger)
	if err != nil {
		return err
	}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:     storage,
		Logger:       logger,
		DisableMlock: true,
		LogicalBackends: map[string]logical.Factory{
			"kv": kv.Factory,
		},
		CredentialBackends: map[string]logical.Factory{
			"approle":    approle.Factory,
			"kubernetes": kubernetes.Factory,
		},
		BuiltinRegistry: registry{},
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{
		Core:           core,
		ListenerConfig: &configutil.Listener{},
	})
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	return http.Serve(tls.NewListener(listener, config), handler)
}
