// What the API server of the oldest minor that the chart takes says against files of CustomResourceDefinitions: its own
// validation, with what each rule may cost there. Prints a line for each complaint.
package main

import (
	"context"
	"fmt"
	"os"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

func main() {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	for _, file := range os.Args[1:] {
		if err := complain(scheme, file); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", file, err)
			os.Exit(1)
		}
	}
}

func complain(scheme *runtime.Scheme, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var read v1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(text, &read); err != nil {
		return err
	}
	scheme.Default(&read)
	var internal apiextensions.CustomResourceDefinition
	if err := scheme.Convert(&read, &internal, nil); err != nil {
		return err
	}
	for _, complaint := range validation.ValidateCustomResourceDefinition(context.Background(), &internal) {
		fmt.Println(complaint)
	}
	return nil
}
