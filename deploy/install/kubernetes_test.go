package install_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"example.com/sidegate/caddymodule/gatewaytest"
)

var overlays = []string{"embedded", "redis"}

// rendered is what kubectl apply -k would send.
func rendered(t *testing.T, overlay string) string {
	t.Helper()
	return kept(t, overlay+".yaml")
}

// manifest is what the tests look at of one.
type manifest struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		Replicas int
		Strategy struct{ Type string }
		Ingress  []any
		Egress   []any
		Selector struct {
			MatchLabels map[string]string `yaml:"matchLabels"`
		} `yaml:"podSelector"`
		Template struct{ Spec pod }
	}
}

type pod struct {
	AutomountServiceAccountToken *bool `yaml:"automountServiceAccountToken"`
	SecurityContext              struct {
		RunAsNonRoot bool `yaml:"runAsNonRoot"`
	} `yaml:"securityContext"`
	Grace      int `yaml:"terminationGracePeriodSeconds"`
	Containers []podContainer
	Volumes    []map[string]any
}

type podContainer struct {
	Name, Image    string
	Args           []string
	Resources      struct{ Requests, Limits map[string]string }
	StartupProbe   probe `yaml:"startupProbe"`
	ReadinessProbe probe `yaml:"readinessProbe"`
	LivenessProbe  probe `yaml:"livenessProbe"`
	Lifecycle      struct {
		PreStop struct{ Sleep struct{ Seconds int } } `yaml:"preStop"`
	}
	SecurityContext struct {
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
		Capabilities             struct{ Drop []string }
	} `yaml:"securityContext"`
	VolumeMounts []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

func manifests(t *testing.T, text string) (all []manifest) {
	t.Helper()
	for d := yaml.NewDecoder(bytes.NewReader([]byte(text))); ; {
		var m manifest
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
}

// one is the manifest of that kind, and of that beginning of a name.
func one(t *testing.T, all []manifest, kind, name string) manifest {
	t.Helper()
	i := slices.IndexFunc(all, func(m manifest) bool { return m.Kind == kind && strings.HasPrefix(m.Metadata.Name, name) })
	if i < 0 {
		t.Fatalf("there is no %s %s", kind, name)
	}
	return all[i]
}

func TestThePodHasNoMoreRightsThanItNeeds(t *testing.T) {
	for _, overlay := range overlays {
		all := manifests(t, rendered(t, overlay))
		spec := one(t, all, "Deployment", "sidegate").Spec.Template.Spec
		if mounted := spec.AutomountServiceAccountToken; mounted == nil || *mounted || !spec.SecurityContext.RunAsNonRoot {
			t.Errorf("%s: the pod has a token or may be root: %+v", overlay, spec)
		}
		for _, c := range spec.Containers {
			s := c.SecurityContext
			if s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || !s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []string{"ALL"}) {
				t.Errorf("%s: %s may do too much: %+v", overlay, c.Name, s)
			}
			if c.Resources.Limits["memory"] == "" || c.Resources.Requests["cpu"] == "" {
				t.Errorf("%s: %s has the resources %+v", overlay, c.Name, c.Resources)
			}
			for _, m := range c.VolumeMounts {
				if c.Name != "gateway" && (m.Name == "run" || m.Name == "secrets") {
					t.Errorf("%s: %s reaches the %s of the gateway", overlay, c.Name, m.Name)
				}
			}
		}
		policy := one(t, all, "NetworkPolicy", "sidegate").Spec
		if len(policy.Ingress) != 2 || len(policy.Egress) < 2 || policy.Selector.MatchLabels["app.kubernetes.io/name"] != "sidegate" {
			t.Errorf("%s: the NetworkPolicy is %+v", overlay, policy)
		}
	}
}

// The app is asked until the gateway has sent its last answer.
func TestTheAppOutlivesItsGatewayWhenThePodEnds(t *testing.T) {
	grace := regexp.MustCompile(`grace_period (\d+)s`).FindStringSubmatch(read(t, "../kubernetes/base/gateway.caddy"))
	if grace == nil {
		t.Fatal("gateway.caddy has no grace_period")
	}
	drains, err := strconv.Atoi(grace[1])
	if err != nil {
		t.Fatal(err)
	}
	for _, overlay := range overlays {
		spec := one(t, manifests(t, rendered(t, overlay)), "Deployment", "sidegate").Spec.Template.Spec
		stops := make(map[string]int)
		for _, c := range spec.Containers {
			stops[c.Name] = c.Lifecycle.PreStop.Sleep.Seconds
			if c.Name == "gateway" && c.StartupProbe.HTTPGet.Path != "/livez" {
				t.Errorf("%s: a gateway whose store is away is started again and again: it is asked for %s", overlay, c.StartupProbe.HTTPGet.Path)
			}
		}
		if last := stops["gateway"] + drains; stops["gateway"] == 0 || stops["app"] <= last || spec.Grace <= stops["app"] {
			t.Errorf("%s: the gateway is asked for %d s and drains for %d s, the app stops after %d s, and all of it after %d s", overlay, stops["gateway"], drains, stops["app"], spec.Grace)
		}
	}
}

func TestOneReplicaHasAFileAndManyHaveABudget(t *testing.T) {
	for _, test := range []struct {
		overlay, strategy, kind string
		many                    bool
	}{
		{"embedded", "Recreate", "PersistentVolumeClaim", false},
		{"redis", "RollingUpdate", "PodDisruptionBudget", true},
	} {
		all := manifests(t, rendered(t, test.overlay))
		d := one(t, all, "Deployment", "sidegate").Spec
		if (d.Replicas > 1) != test.many || d.Strategy.Type != test.strategy {
			t.Errorf("%s has %d replicas and the strategy %s", test.overlay, d.Replicas, d.Strategy.Type)
		}
		one(t, all, test.kind, "sidegate")
		for _, m := range all {
			if other := m.Kind == "PersistentVolumeClaim" || m.Kind == "PodDisruptionBudget"; other && m.Kind != test.kind {
				t.Errorf("%s has a %s", test.overlay, m.Kind)
			}
		}
	}
}

// podRun is the pod of an overlay, started: each container with its arguments and the
// files of its ConfigMap, at ports and in folders of the test.
type podRun struct {
	t                              *testing.T
	dir                            string
	pod                            pod
	site, probes, metrics, app, db string // ports
}

func newPod(t *testing.T, overlay string) *podRun {
	t.Helper()
	p := &podRun{t: t, dir: t.TempDir(), site: port(t), probes: port(t), metrics: port(t), app: port(t), db: port(t)}
	all := manifests(t, rendered(t, overlay))
	p.pod = one(t, all, "Deployment", "sidegate").Spec.Template.Spec
	for _, name := range []string{"gateway", "app", "secrets", "run", "data"} {
		p.folder(name)
	}
	for name, text := range one(t, all, "ConfigMap", "sidegate-").Data {
		p.write("gateway/"+name, p.moved(text))
	}
	p.write("app/Caddyfile", replaced(t, one(t, all, "ConfigMap", "app-").Data["Caddyfile"], "http://:8000 {", "http://:"+p.app+" {"))
	p.write("secrets/secret", rand.Text()+rand.Text())
	p.write("secrets/redis_password", "of-the-test")
	p.write("secrets/users.yaml", read(t, "../demo/users.yaml"))
	return p
}

func (p *podRun) file(name string) string { return filepath.Join(p.dir, name) }

func (p *podRun) folder(name string) {
	p.t.Helper()
	if err := os.Mkdir(p.file(name), 0o700); err != nil {
		p.t.Fatal(err)
	}
}

func (p *podRun) write(name, text string) {
	p.t.Helper()
	gatewaytest.WriteFile(p.t, p.file(name), text)
}

// moved is a file of the ConfigMap with the ports and the folders of the test.
func (p *podRun) moved(text string) string {
	p.t.Helper()
	if !strings.Contains(text, "admin unix") { // of the store
		return strings.NewReplacer("/run/secrets/sidegate", p.file("secrets"), "redis:6379", "127.0.0.1:"+p.db, " /data/", " "+p.file("data")+"/").Replace(text)
	}
	return replaced(p.t, text, "{\n\tadmin unix", "{\n\tdefault_bind 127.0.0.1\n\tadmin unix", "/run/sidegate", p.file("run"), "/run/secrets/sidegate", p.file("secrets"),
		"static 192.0.2.0/24", "static 127.0.0.1/32", ":8080 {", ":"+p.site+" {", "127.0.0.1:8000", "127.0.0.1:"+p.app, ":8081 {", ":"+p.probes+" {", ":9180 {", ":"+p.metrics+" {")
}

// container is the command of a container.
func (p *podRun) container(name string) *exec.Cmd {
	p.t.Helper()
	i := slices.IndexFunc(p.pod.Containers, func(c podContainer) bool { return c.Name == name })
	args := slices.Clone(p.pod.Containers[i].Args)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "/etc/caddy/", p.file(name)+"/")
	}
	return gatewaytest.CaddyCommand(p.t.Context(), p.file("data"), args...)
}
