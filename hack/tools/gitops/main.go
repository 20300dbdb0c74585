// What GitOps tools make of an object, by the libraries that they run themselves: kstatus (Flux, Helm), the health
// check expressions of a Flux Kustomization, and Lua scripts as Argo CD runs them. One question on stdin, one answer
// on stdout, both JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	kustomize "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/runtime/cel"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

type question struct {
	Object json.RawMessage `json:"object"`
	// The manifest of a Flux Kustomization whose expressions are to be asked.
	Kustomization string `json:"kustomization"`
	// Lua, by whatever name its answer is to have.
	Scripts map[string]string `json:"scripts"`
}

type answer struct {
	Kstatus string         `json:"kstatus"`
	Message string         `json:"message"`
	Flux    string         `json:"flux,omitempty"`
	Lua     map[string]any `json:"lua"`
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	var asked question
	if err := json.NewDecoder(in).Decode(&asked); err != nil {
		return err
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(asked.Object); err != nil {
		return err
	}
	result, err := status.Compute(object)
	if err != nil {
		return err
	}
	told := answer{Kstatus: string(result.Status), Message: result.Message, Lua: map[string]any{}}
	if asked.Kustomization != "" {
		if told.Flux, err = health(object, asked.Kustomization); err != nil {
			return err
		}
	}
	for name, script := range asked.Scripts {
		if told.Lua[name], err = runLua(object.Object, script); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return json.NewEncoder(out).Encode(told)
}

// health asks the expressions that a Kustomization has for this kind. A field that its schema does not know is an error.
func health(object *unstructured.Unstructured, manifest string) (string, error) {
	var kustomization kustomize.Kustomization
	if err := yaml.UnmarshalStrict([]byte(manifest), &kustomization); err != nil {
		return "", err
	}
	for _, check := range kustomization.Spec.HealthCheckExprs {
		if check.APIVersion != object.GetAPIVersion() || check.Kind != object.GetKind() {
			continue
		}
		evaluator, err := cel.NewStatusEvaluator(&check.HealthCheckExpressions)
		if err != nil {
			return "", err
		}
		result, err := evaluator.Evaluate(context.Background(), object)
		if err != nil {
			return "", err
		}
		return string(result.Status), nil
	}
	return "", fmt.Errorf("the Kustomization has no expressions for %s", object.GetKind())
}

// runLua gives a script what Argo CD gives it where a customization asks for no more: the object as obj, the
// libraries base, package and table, and one second.
func runLua(object map[string]any, script string) (any, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage,
		lua.BaseLibName: lua.OpenBase,
		lua.TabLibName:  lua.OpenTable,
	} {
		call := lua.P{Fn: state.NewFunction(open), Protect: true}
		if err := state.CallByParam(call, lua.LString(name)); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(ctx)
	state.SetGlobal("obj", toLua(state, object))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	return fromLua(state.Get(-1)), nil
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch given := value.(type) {
	case bool:
		return lua.LBool(given)
	case int64:
		return lua.LNumber(given)
	case float64:
		return lua.LNumber(given)
	case string:
		return lua.LString(given)
	case []any:
		list := state.NewTable()
		for _, item := range given {
			list.Append(toLua(state, item))
		}
		return list
	case map[string]any:
		table := state.NewTable()
		for key, item := range given {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	default:
		return lua.LNil
	}
}

// fromLua takes an empty table for an empty list, as Argo CD does: Lua knows no difference.
func fromLua(value lua.LValue) any {
	table, isTable := value.(*lua.LTable)
	if !isTable {
		return plain(value)
	}
	list := make([]any, 0, table.Len())
	named := map[string]any{}
	table.ForEach(func(key, item lua.LValue) {
		if _, isIndex := key.(lua.LNumber); isIndex {
			list = append(list, fromLua(item))
		} else {
			named[key.String()] = fromLua(item)
		}
	})
	if len(named) > 0 {
		return named
	}
	return list
}

func plain(value lua.LValue) any {
	switch given := value.(type) {
	case lua.LBool:
		return bool(given)
	case lua.LNumber:
		return float64(given)
	case lua.LString:
		return string(given)
	default:
		return nil
	}
}
